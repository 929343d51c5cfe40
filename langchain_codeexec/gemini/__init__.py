"""The generateContent protocol, without LangChain in it."""
