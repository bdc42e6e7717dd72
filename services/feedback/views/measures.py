"""The texts of measures by version, as the directions cite them."""

from collections.abc import Sequence

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback.domain.ledger import ReceivedEvent
from services.feedback.schema import METADATA
from shared.contracts.response import ResponseDirected
from shared.database import insert_rows

MEASURES = Table(
    "measures",
    METADATA,
    Column("measure_id", Text, nullable=False),
    Column("measure_version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("text_zh", Text, nullable=False),
    PrimaryKeyConstraint("measure_id", "measure_version"),
)


async def project(connection: AsyncConnection, received: Sequence[ReceivedEvent]) -> None:
    """Store the texts of directed measures. A text that is stored already stays."""
    cited = {
        (line.measure_id, line.measure_version): line
        for one in received
        if isinstance(one.event, ResponseDirected)
        for line in one.event.lines
    }
    rows = [
        {"measure_id": measure_id, "measure_version": version, "kind": line.kind.value, "text_zh": line.text_zh}
        for (measure_id, version), line in sorted(cited.items())
    ]
    await insert_rows(connection, MEASURES, rows, conflict=("measure_id", "measure_version"), keep=True)
