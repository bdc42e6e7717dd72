"""Why a process ends before it has begun. Apart from what raises it, so that the command line can name it and load nothing."""


class CannotStart(Exception):
    """What keeps a process from its work and will not pass by waiting, in one line."""
