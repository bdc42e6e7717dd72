"""Response bodies of feedback, and how they are made from rows and from the ledger."""

from datetime import date


def is_overdue(due_on: date | None, day: date) -> bool:
    """The last day itself is still in time."""
    return due_on is not None and due_on < day
