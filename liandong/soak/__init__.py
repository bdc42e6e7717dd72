"""Fault injection for as long as wanted: a private system of real processes, load, random faults, and a check at the end.

`make soak MINUTES=10` runs it; the tests in `tests/faults` use the same modules in short runs.
"""
