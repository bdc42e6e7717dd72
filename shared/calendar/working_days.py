"""Working days (工作日) in China, by the calendar of Asia/Shanghai with the holidays and make-up days as published.

The State Council publishes a year's holidays late in the year before. For a year that the calendar does not know,
Monday to Friday count and the answer says that it is not certain; nothing here fails because a date lies far ahead.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chinese_calendar.constants import holidays, workdays

SHANGHAI = ZoneInfo("Asia/Shanghai")

# A year counts as known once its National Day is: a calendar may hold the first days of a year that is not published.
_KNOWN_YEARS = frozenset(day.year for day in holidays if day.month == 10)
_SATURDAY = 5


class WorkingDay(NamedTuple):
    """A date that was counted in working days; not `certain` when a year on the way has no published calendar."""

    date: date
    certain: bool


@lru_cache(maxsize=65_536)
def add_working_days(day: date, n: int) -> WorkingDay:
    """The `n`-th working day after `day`, which is itself not counted (a time limit starts on the day after).

    With `n` = 0 it is `day`, working day or not. Raises `ValueError` for a negative `n`.
    """
    if n < 0:
        raise ValueError("working days are counted forward")
    if n == 0:
        return WorkingDay(day, day.year in _KNOWN_YEARS)
    year, left = day.year, n
    begin = bisect_right(_working_days_of(year), day.toordinal())
    while left > (there := len(_working_days_of(year)) - begin):
        left, year, begin = left - there, year + 1, 0
    found = date.fromordinal(_working_days_of(year)[begin + left - 1])
    return WorkingDay(found, not unknown_years(day, found))


def working_days_between(start: date, end: date) -> int:
    """How many working days lie after `start`, up to and including `end`; negative when `end` is the earlier one.

    It undoes the addition: `working_days_between(day, add_working_days(day, n).date) == n`.
    """
    if end < start:
        return -working_days_between(end, start)
    whole_years = sum(len(_working_days_of(year)) for year in range(start.year, end.year))
    return whole_years + _place(end) - _place(start)


def unknown_years(start: date, end: date) -> tuple[int, ...]:
    """The years on the way from one day to the other whose holidays nobody has published, or this calendar does not know.

    What was counted through them is not certain: in them Monday to Friday count.
    """
    first, last = sorted((start.year, end.year))
    return tuple(year for year in range(first, last + 1) if year not in _KNOWN_YEARS)


def is_working_day(day: date) -> bool:
    """Whether people work on that day: make-up days count, holidays do not."""
    if day in workdays:
        return True
    return day.weekday() < _SATURDAY and day not in holidays


def today(now: datetime) -> date:
    """The date in Asia/Shanghai at that moment. Raises `ValueError` for a time without a zone."""
    if now.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return now.astimezone(SHANGHAI).date()


def day_start(day: date) -> datetime:
    """The first moment of the day in Asia/Shanghai."""
    return datetime.combine(day, time.min, SHANGHAI)


def end_of_day(day: date) -> datetime:
    """The moment at which the day is over: the first of the next one. What holds through `day` ends here."""
    return day_start(day + timedelta(days=1))


def _place(day: date) -> int:
    return bisect_right(_working_days_of(day.year), day.toordinal())


@lru_cache(maxsize=512)
def _working_days_of(year: int) -> tuple[int, ...]:
    return tuple(day.toordinal() for day in _days_of(year) if is_working_day(day))


def _days_of(year: int) -> Iterator[date]:
    first = date(year, 1, 1).toordinal()
    last = date(year, 12, 31).toordinal()
    return map(date.fromordinal, range(first, last + 1))
