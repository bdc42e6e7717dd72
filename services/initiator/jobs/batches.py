"""What both steps of an import share: the batches of a file, its rows as inputs of entries, and rejected rows.

A batch costs the same number of statements, whatever its size.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.initiator.domain.decision_key import decision_key
from services.initiator.domain.entry_input import EntryInput, InputKeys, keys_of_input
from services.initiator.domain.visibility import Visibility
from services.initiator.files.columns import layout
from services.initiator.files.reading import Detected, FileFormat, Record, records
from services.initiator.files.rejects import reject_rows
from services.initiator.files.rows import Layout, read_row
from services.initiator.stores.import_chunks import read_chunk
from services.initiator.stores.import_work import Superseded, Work
from services.initiator.views.entries import ActiveEntry
from shared.contracts.event import DepartmentId
from shared.eventstore import Metadata, Session
from shared.identity import SubjectKeys
from shared.rejection import Fault, reject_all
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


async def batches(
    core: Core, work: Work, department: DepartmentId, batch_rows: int
) -> AsyncIterator[tuple[Layout, list[Record]]]:
    """The rows from `work.next_line` on, in batches. Raises Rejected for a file that cannot be read."""
    if work.form is None:
        raise Superseded(work.import_id)
    detected = Detected(FileFormat(work.form), work.encoding or "")
    columns: Layout | None = None
    batch: list[Record] = []
    async for group in records(lambda: file_chunks(core, work.import_id), detected):
        if columns is None:
            columns = _layout(group.pop(0), department)
        batch += [record for record in group if record.line >= work.next_line]
        while len(batch) >= batch_rows:
            yield columns, batch[:batch_rows]
            del batch[:batch_rows]
    if columns is not None and batch:
        yield columns, batch


def _layout(heading: Record, department: DepartmentId) -> Layout:
    """Raises Rejected with the missing, unknown and repeated columns."""
    places, faults = layout(heading.cells)
    reject_all(faults)
    return Layout(places, len(heading.cells), department)


def read_record(
    record: Record, columns: Layout, keys: SubjectKeys
) -> tuple[EntryInput | None, ReadRow | None, list[Fault]]:
    """The input of a record, its row, and its faults. A row exists only without faults; an input may have faults."""
    if record.fault is not None:
        return None, None, [record.fault]
    entry, faults = read_row(record.cells, columns)
    if entry is None:
        return None, None, faults
    input_keys, faults = keys_of_input(entry, keys)
    if input_keys is None:
        return entry, None, faults
    key = decision_key(input_keys.subject, entry.domain_id, entry.list_kind, entry.decision.document_number)
    return entry, ReadRow(record, entry, input_keys, key), faults


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
