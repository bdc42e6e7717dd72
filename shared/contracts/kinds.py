"""Which lists there are, and what a subject is: the two distinctions on which everything else in the law book rests."""

from enum import StrEnum


class ListKind(StrEnum):
    """Which list (名单)."""

    RED = "red"
    """Red list (红名单): trustworthy subjects."""
    BLACK = "black"
    """Black list (黑名单): seriously untrustworthy subjects."""
    WATCH = "watch"
    """Watch list (重点关注名单): a tier below the black-list threshold; seen in checks, never published."""


class SubjectKind(StrEnum):
    """What a subject is."""

    LEGAL = "legal"
    PERSON = "person"
    OTHER = "other"
