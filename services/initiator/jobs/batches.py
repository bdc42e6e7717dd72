"""What both steps of an import share: the batches of a file, its rows as inputs of entries, and rejected rows.

A batch costs the same number of statements, whatever its size.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.initiator.domain.decision_key import decision_key
from services.initiator.domain.entry_input import EntryInput, InputKeys, keys_of_input
from services.initiator.domain.visibility import Visibility
from services.initiator.files.heading import Layout, find_heading, whole_layout
from services.initiator.files.opening import open_file
from services.initiator.files.reading import FileFormat, Record
from services.initiator.files.rejects import reject_rows
from services.initiator.files.rows import read_row
from services.initiator.stores.import_chunks import file_size, read_chunk
from services.initiator.stores.import_work import Work
from services.initiator.views.entries import ActiveEntry
from shared.contracts.event import DepartmentId
from shared.eventstore import Metadata, Session
from shared.identity import SubjectKeys
from shared.rejection import Fault
from shared.runtime.core import Core


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row that could be read and whose subjects have keys. `key`: its decision key."""

    record: Record
    entry: EntryInput
    keys: InputKeys
    key: str


RejectedRows = list[tuple[Record, Sequence[Fault]]]


def service_session(core: Core, import_id: str, connection: AsyncConnection) -> Session:
    """A session whose events name the service as their actor."""
    metadata = Metadata(actor=f"service:{core.name}", correlation=import_id)
    return Session(core.store, core.clock.now(), metadata, connection)


async def file_chunks(core: Core, import_id: str) -> AsyncIterator[bytes]:
    """The file from its start. No connection is held between two pieces."""
    number = 0
    while True:
        async with core.engine.connect() as connection:
            chunk = await read_chunk(connection, import_id, number)
        if chunk is None:
            return
        yield chunk
        number += 1


@dataclass(frozen=True, slots=True)
class OpenImport:
    """The file of an import, its heading found. `total`: its rows without title and heading. `batches`: those not yet handled."""

    format: str
    encoding: str
    total: int
    hidden_rows: int
    batches: AsyncIterator[tuple[Layout, list[Record]]]


@asynccontextmanager
async def open_import(core: Core, work: Work, department: DepartmentId, batch_rows: int) -> AsyncGenerator[OpenImport]:
    """The rows from `work.next_line` on, in batches. Raises Rejected for a file that cannot be read, and ReadingStopped."""
    async with core.engine.connect() as connection:
        size = await file_size(connection, work.import_id)
    async with open_file(lambda: file_chunks(core, work.import_id), size) as file:
        first: list[Record] = await anext(file.groups, list[Record]())
        if file.format is FileFormat.NDJSON:
            columns, skipped = whole_layout(department), 0
        else:
            columns, skipped = find_heading(first, department)
        groups = _groups(first[skipped:], file.groups)
        batches = _batches(groups, columns, work.next_line, batch_rows, file.format is FileFormat.XLSX)
        yield OpenImport(file.format.value, file.encoding, file.total - skipped, file.hidden_rows, batches)


async def _groups(first: list[Record], others: AsyncIterator[list[Record]]) -> AsyncIterator[list[Record]]:
    yield first
    async for group in others:
        yield group


async def _batches(
    groups: AsyncIterator[list[Record]], columns: Layout, next_line: int, batch_rows: int, fill: bool
) -> AsyncIterator[tuple[Layout, list[Record]]]:
    """`fill`: rows end with their last filled cell, as in a workbook; they are as wide as the heading."""
    batch: list[Record] = []
    async for group in groups:
        batch += [record for record in group if record.line >= next_line]
        while len(batch) >= batch_rows:
            yield columns, [_filled(record, columns.width) if fill else record for record in batch[:batch_rows]]
            del batch[:batch_rows]
    if batch:
        yield columns, [_filled(record, columns.width) if fill else record for record in batch]


def _filled(record: Record, width: int) -> Record:
    missing = width - len(record.cells)
    return record._replace(cells=record.cells + [""] * missing) if missing > 0 else record


def read_record(
    record: Record, columns: Layout, keys: SubjectKeys
) -> tuple[EntryInput | None, ReadRow | None, list[Fault]]:
    """The input of a record, its row, and its faults. A row exists only without faults; an input may have faults."""
    if record.fault is not None:
        return None, None, [record.fault]
    entry, faults = read_row(record.cells, columns)
    if record.cell_faults:
        return None, None, _with_cell_faults(record, columns, faults)
    if entry is None:
        return None, None, faults
    input_keys, faults = keys_of_input(entry, keys)
    if input_keys is None:
        return entry, None, faults
    key = decision_key(input_keys.subject, entry.domain_id, entry.list_kind, entry.decision.document_number)
    return entry, ReadRow(record, entry, input_keys, key), faults


def _with_cell_faults(record: Record, columns: Layout, faults: Sequence[Fault]) -> list[Fault]:
    """The faults of cells that cannot be taken, and those of the other cells: such a cell is not missing."""
    of_cells = [Fault(fault.code, columns.column(place), fault.facts) for place, fault in record.cell_faults]
    named = {fault.field for fault in of_cells}
    return [*of_cells, *(fault for fault in faults if fault.field not in named)]


def split_duplicates(
    rows: Sequence[ReadRow], active: Mapping[str, ActiveEntry], visibility: Visibility, rejected: RejectedRows
) -> list[ReadRow]:
    """The rows on whose decision no entry is active. The others are rejected.

    The fault names the active entry if the importing department may read it. `active`: decision key → entry.
    """
    for row in rows:
        if row.key in active:
            facts: dict[str, object] = {"entry_id": active[row.key].id_for(visibility)}
            rejected.append((row.record, [Fault("duplicate_entry", "document_number", facts)]))
    return [row for row in rows if row.key not in active]


def stored_rejects(import_id: str, columns: Layout, rejected: RejectedRows) -> list[dict[str, Any]]:
    """The rows of `import_rejects`."""
    return [row for record, faults in rejected for row in reject_rows(import_id, record, columns, faults)]
