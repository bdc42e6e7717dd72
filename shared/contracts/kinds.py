"""Kinds of lists and kinds of subjects. Most other items of the law book use them."""

from enum import StrEnum


class ListKind(StrEnum):
    """A kind of list (名单)."""

    RED = "red"
    """Red list (红名单): trustworthy subjects."""
    BLACK = "black"
    """Black list (黑名单): seriously untrustworthy subjects."""
    WATCH = "watch"
    """Watch list (重点关注名单): a tier below the black-list threshold; shown in checks, never published."""


class SubjectKind(StrEnum):
    """A kind of subject."""

    LEGAL = "legal"
    PERSON = "person"
    OTHER = "other"
