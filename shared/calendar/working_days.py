"""Working days (工作日) in China: the calendar of Asia/Shanghai with the published holidays and make-up days.

The State Council announces the holidays of a year late in the year before. For a year that is not announced, or not known here,
Monday to Friday count and the result is marked as not certain: nobody is late by it, and it is counted anew when the year is
known (row F12). Years are known by the library `chinesecalendar`, and by the notices that a site supplies (`use_notices`). No
function fails because a date is far in the future.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chinese_calendar.constants import holidays, workdays

from shared.calendar.notice import Notice

SHANGHAI = ZoneInfo("Asia/Shanghai")
_SATURDAY = 5


class _Announced(NamedTuple):
    """What is announced. `years`: those that are known."""

    years: frozenset[int]
    days_off: frozenset[date]
    make_up_days: frozenset[date]


# A year is known if its National Day is. The calendar may contain the first days of a year that is not published yet.
_LIBRARY = _Announced(
    frozenset(day.year for day in holidays if day.month == 10), frozenset(holidays), frozenset(workdays)
)


class _Current:
    """What this process counts with."""

    announced = _LIBRARY


def use_notices(notices: Iterable[Notice]) -> None:
    """Count with these notices beside the library, in this whole process, from now on. The year of a notice is taken from the
    notice alone; no notices: from the library alone."""
    announced = _LIBRARY
    for notice in sorted(notices, key=lambda one: one.year):
        of_library = {day for day in (*announced.days_off, *announced.make_up_days) if day.year == notice.year}
        replaced = of_library | notice.days_off | notice.make_up_days
        announced = _Announced(
            announced.years | {notice.year},
            announced.days_off - replaced | notice.days_off,
            announced.make_up_days - replaced | notice.make_up_days,
        )
    _Current.announced = announced
    add_working_days.cache_clear()
    _working_days_of.cache_clear()


def known_years() -> frozenset[int]:
    """The years whose holidays are known."""
    return _Current.announced.years


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
        return WorkingDay(day, day.year in _Current.announced.years)
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
    return tuple(year for year in range(first, last + 1) if year not in _Current.announced.years)


def is_working_day(day: date) -> bool:
    """Whether the day is a working day. A make-up day is one, a holiday is not."""
    if day in _Current.announced.make_up_days:
        return True
    return day.weekday() < _SATURDAY and day not in _Current.announced.days_off


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
