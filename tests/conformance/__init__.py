"""Whether a server speaks Gemini's protocol: cases as data, run against the emulator, and with --live the service."""
