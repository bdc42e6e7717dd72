"""A file that is opened for the service: its rows come from a child process, which reads it apart (decision 0026)."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from services.initiator.files.columns import COLUMNS
from services.initiator.files.reading import FileFormat, Record
from shared.files.apart import Chunks, frames_apart
from shared.files.budget import Budget, budget_for
from shared.rejection import Fault

_READER = "services.initiator.files.reading"


@dataclass(frozen=True, slots=True)
class OpenFile:
    """`total`: rows of the file, its heading included. `hidden_rows`: those that a person who opens the workbook does not see.

    `groups`: the rows, in the order of the file.
    """

    format: FileFormat
    encoding: str
    total: int
    hidden_rows: int
    groups: AsyncIterator[list[Record]]


@asynccontextmanager
async def open_file(chunks: Chunks, size: int, budget: Budget | None = None) -> AsyncGenerator[OpenFile]:
    """The file, read to its end already. Raises Rejected for a file that cannot be read, and ReadingStopped."""
    instruction: dict[str, Any] = {"columns": COLUMNS}
    async with frames_apart(_READER, instruction, chunks, budget or budget_for(size)) as frames:
        found = await anext(frames)
        yield OpenFile(
            format=FileFormat(found["format"]),
            encoding=found["encoding"],
            total=found["total"],
            hidden_rows=found["hidden_rows"],
            groups=_groups(frames),
        )


async def _groups(frames: AsyncIterator[Any]) -> AsyncIterator[list[Record]]:
    async for frame in frames:
        yield [
            Record(
                line,
                cells,
                Fault(*fault) if fault else None,
                tuple((place, Fault(c, None, f)) for place, c, f in faults),
            )
            for line, cells, fault, faults in frame
        ]
