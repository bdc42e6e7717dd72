"""Timers: commands that are due at a time, the worker that fires them, and operator actions on failed ones."""
