"""Clocks. A service reads the time from its clock and passes it to deciders as an argument.

The movable clock is for tests and the demo; it continues from the moment to which it was moved. The recorded time of events does
not come from here: it is the database's time.
"""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The current business time: timezone-aware, in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class MovableClock:
    """A system clock with an offset. It moves forward only, so that earlier decisions stay in the past."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self.offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def move_to(self, instant: datetime) -> None:
        """Raises ValueError for an instant before `now()`."""
        ahead = instant - self.now()
        if ahead < timedelta(seconds=-1):
            raise ValueError(f"the clock moves forward only: {instant.isoformat()} is in the past")
        self.offset += max(ahead, timedelta())
