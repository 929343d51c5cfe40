"""A local server that speaks Gemini's generateContent protocol and really runs the code it writes."""
