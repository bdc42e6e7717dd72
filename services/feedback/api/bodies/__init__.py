"""Response bodies of feedback, and how they are made from rows and from the ledger."""

from datetime import date

UNCERTAIN = "False: the holidays of a year on the way are not announced, so nobody is late by this day; null: no day"


def is_overdue(due_on: date | None, day: date, *, certain: bool) -> bool:
    """The last day itself is still in time. Nobody is late by a day that is not certain (row F12)."""
    return due_on is not None and due_on < day and certain
