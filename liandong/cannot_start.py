"""The error of a process that cannot start. In a module of its own, so that the command line can catch it without imports."""


class CannotStart(Exception):
    """One line that says why a process cannot start; waiting would not help."""
