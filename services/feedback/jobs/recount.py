"""Counts deadlines anew when the calendar knows a year that it did not know before (row F12).

A line stores what its deadlines are counted from, and the first year on the way whose holidays were not announced when they were
counted. The calendar of a process does not change, but after an upgrade, or with a notice that the site supplied, a process
starts that knows more years. Then the lines of those years are counted again, in chunks, each in a transaction of its own.
"""

from services.feedback.views import ledger
from shared.calendar.working_days import known_years
from shared.runtime.core import Core

_CHUNK = 500
COUNT_ANEW = 0
"""The year with which a migration marks lines that must be counted anew, whatever the calendar knows."""


async def recount(core: Core) -> int:
    """Count all deadlines anew that a known year makes certain. Returns the number of lines."""
    counted = 0
    while True:
        async with core.engine.begin() as connection:
            lines = await ledger.recount(connection, {*known_years(), COUNT_ANEW}, _CHUNK)
        counted += lines
        if lines < _CHUNK:
            return counted
