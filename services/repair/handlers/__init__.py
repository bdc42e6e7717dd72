"""The commands that arrive over HTTP: one function a command. Load, decide, append."""
