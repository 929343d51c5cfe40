"""The command line, one file per command. It needs typer and rich (extra `cli`)."""
