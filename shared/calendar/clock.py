"""Time as an argument: services ask a clock, and deciders are handed what it said.

A movable clock serves tests and the demo: it runs on from where it was moved to. Recorded time is never taken from here;
it is the database's.
"""

from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    def now(self) -> datetime:
        """The instant at which business happens, timezone-aware, in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class MovableClock:
    """A system clock with an offset. It only moves forward: what was decided stays in the past."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def move_to(self, instant: datetime) -> None:
        """Raises ValueError for an instant before `now()`."""
        ahead = instant - self.now()
        if ahead < timedelta(seconds=-1):
            raise ValueError(f"the clock moves forward only: {instant.isoformat()} has passed")
        self.offset += max(ahead, timedelta())
