"""The report of a rehearsal as CSV."""

import csv
import io
from collections.abc import AsyncIterator

from services.registry.stores import rehearsals
from shared.runtime.core import Core


async def csv_report(core: Core, rehearsal_id: str) -> AsyncIterator[str]:
    """The lines of the report, in pages."""
    yield "\ufeff" + _lines([rehearsals.REPORT])  # by this mark spreadsheet programs detect UTF-8
    async with core.store.reading.connect() as connection:
        async for page in rehearsals.every_difference(connection, rehearsal_id):
            yield _lines([tuple(_no_formula(getattr(row, name)) for name in rehearsals.REPORT) for row in page])


def _no_formula(value: object) -> str:
    """A text that spreadsheet programs do not evaluate, also when it begins like a formula."""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _lines(rows: list[tuple[str, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
