"""The report of a rehearsal as CSV."""

from collections.abc import AsyncIterator

from services.registry.stores import rehearsals
from shared.files.csv_text import BYTE_ORDER_MARK, csv_line, no_formula
from shared.runtime.core import Core


async def csv_report(core: Core, rehearsal_id: str, regions: frozenset[str]) -> AsyncIterator[str]:
    """The lines of the report about entries of these regions, in pages."""
    yield BYTE_ORDER_MARK + csv_line(rehearsals.REPORT)
    async with core.store.reading.connect() as connection:
        async for page in rehearsals.every_difference(connection, rehearsal_id, regions):
            yield "".join(csv_line(no_formula(str(getattr(row, name))) for name in rehearsals.REPORT) for row in page)
