"""The running system, hurt on purpose for as long as one likes: real processes, a private stack, load, faults, and a verdict.

`make soak MINUTES=10` runs it; the tests in `tests/faults` use the same parts in short forms.
"""
