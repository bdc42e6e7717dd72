"""The commands that arrive over HTTP: one function for each command. Load, decide, append."""
