"""The term of an entry (期限): its last day, and how long it may be. Dates are days in Asia/Shanghai."""

import calendar
from datetime import date

NO_END = frozenset({date(2999, 12, 31), date(9999, 12, 31)})
"""Dates by which other systems say that a term has no end."""


def last_day(term_to: date | None) -> date | None:
    """The last day of a term; None when the term has no end."""
    return None if term_to in NO_END else term_to


def months_after(day: date, months: int) -> date:
    """The same day of the month, `months` later; the last day of that month when it has no such day.

    Returns `date.max` for a date beyond the calendar.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
