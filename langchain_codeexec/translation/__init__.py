"""The wire's parts to LangChain's content blocks and back; pure functions."""
