"""Timers: commands that are due at a time, the worker that fires them, and those that failed."""
