"""Working days (工作日) in China: the calendar of Asia/Shanghai with the published holidays and make-up days.

The State Council publishes the holidays of a year late in the year before. For a year without a published calendar, Monday to
Friday count and the result is marked as not certain. No function fails because a date is far in the future.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chinese_calendar.constants import holidays, workdays

SHANGHAI = ZoneInfo("Asia/Shanghai")

# A year is known if its National Day is. The calendar may contain the first days of a year that is not published yet.
_KNOWN_YEARS = frozenset(day.year for day in holidays if day.month == 10)
_SATURDAY = 5


class WorkingDay(NamedTuple):
    """A date counted in working days. Not `certain` if a year on the way has no published calendar."""

    date: date
    certain: bool


@lru_cache(maxsize=65_536)
def add_working_days(day: date, n: int) -> WorkingDay:
    """The `n`-th working day after `day`. `day` itself does not count: a time limit starts on the next day.

    With `n` = 0 it is `day`, working day or not. Raises ValueError for a negative `n`.
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
    """The number of working days after `start`, up to and including `end`; negative if `end` is before `start`.

    The inverse of addition: `working_days_between(day, add_working_days(day, n).date) == n`.
    """
    if end < start:
        return -working_days_between(end, start)
    whole_years = sum(len(_working_days_of(year)) for year in range(start.year, end.year))
    return whole_years + _index(end) - _index(start)


def unknown_years(start: date, end: date) -> tuple[int, ...]:
    """The years from `start` to `end` without a published calendar, or unknown to this one.

    In these years Monday to Friday count, so a count through them is not certain.
    """
    first, last = sorted((start.year, end.year))
    return tuple(year for year in range(first, last + 1) if year not in _KNOWN_YEARS)


def is_working_day(day: date) -> bool:
    """Whether the day is a working day. A make-up day is one, a holiday is not."""
    if day in workdays:
        return True
    return day.weekday() < _SATURDAY and day not in holidays


def today(now: datetime) -> date:
    """The date in Asia/Shanghai at this moment. Raises ValueError for a time without a time zone."""
    if now.tzinfo is None:
        raise ValueError("the time has no time zone")
    return now.astimezone(SHANGHAI).date()


def day_start(day: date) -> datetime:
    """The first moment of the day in Asia/Shanghai."""
    return datetime.combine(day, time.min, SHANGHAI)


def end_of_day(day: date) -> datetime:
    """The end of the day: the first moment of the next day. What applies through `day` ends here."""
    return day_start(day + timedelta(days=1))


def _index(day: date) -> int:
    """The number of working days in the year of `day`, up to and including it."""
    return bisect_right(_working_days_of(day.year), day.toordinal())


@lru_cache(maxsize=512)
def _working_days_of(year: int) -> tuple[int, ...]:
    return tuple(day.toordinal() for day in _days_of(year) if is_working_day(day))


def _days_of(year: int) -> Iterator[date]:
    first = date(year, 1, 1).toordinal()
    last = date(year, 12, 31).toordinal()
    return map(date.fromordinal, range(first, last + 1))
