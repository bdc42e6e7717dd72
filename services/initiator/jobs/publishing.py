"""The second step of an import: every good row is judged again, by the law book of the day, and published."""

from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from services.initiator.domain.commands import Finish, PublishImported
from services.initiator.domain.entry import ENTRY
from services.initiator.domain.entry_input import sealed_entry
from services.initiator.domain.imports import IMPORT, Publishing
from services.initiator.domain.visibility import Visibility, visibility_of
from services.initiator.files.heading import Layout
from services.initiator.files.reading import Record
from services.initiator.jobs.batches import (
    ReadRow,
    RejectedRows,
    open_import,
    read_record,
    service_session,
    split_duplicates,
    stored_rejects,
)
from services.initiator.stores import import_rejects, import_work
from services.initiator.stores.import_work import Work
from services.initiator.views import entries
from shared.calendar.working_days import today
from shared.contracts.event import EntryId
from shared.eventstore import Metadata, Session, VersionConflict
from shared.ids import stable_id
from shared.lawbook.book import LawBook
from shared.rejection import Rejected
from shared.runtime.core import Core

_TRIES = 5
"""Attempts for a batch when others publish entries on the same decisions at the same moment."""


@dataclass
class PublishStep:
    """`state`: the approved import."""

    core: Core
    import_id: str
    batch_rows: int
    state: Publishing

    async def run(self, work: Work) -> None:
        """Raises Superseded when another worker continued."""
        async with open_import(self.core, work, self.state.department, self.batch_rows) as file:
            async for columns, batch in file.batches:
                work = await self._publish_batch(work, columns, batch)
        async with self.core.engine.begin() as connection:
            await import_work.lock_work(connection, work)
            session = service_session(self.core, self.import_id, connection)
            await session.do(IMPORT, self.import_id, Finish(work.published, work.rejected))
            await self.core.store.write(connection, [session.change()])
            await import_work.close_work(connection, self.import_id)
        self.core.store.committed()

    async def _publish_batch(self, work: Work, columns: Layout, batch: list[Record]) -> Work:
        """A duplicate that is committed between the look-up and the append undoes the batch. The next attempt rejects the row."""
        for _ in range(_TRIES - 1):
            try:
                return await self._publish_once(work, columns, batch)
            except (Rejected, VersionConflict):
                continue
        return await self._publish_once(work, columns, batch)

    async def _publish_once(self, work: Work, columns: Layout, batch: list[Record]) -> Work:
        book = await self.core.lawbook.current()
        rejected: RejectedRows = []
        async with self.core.engine.begin() as connection:
            await import_work.lock_work(connection, work)
            visibility = visibility_of(self.state.department, book, today(self.core.clock.now()))
            rows = await self._still_good(connection, columns, batch, visibility, rejected)
            session = await self._decided(connection, rows, book, rejected)
            change = session.change()
            await self.core.store.write(connection, [change])
            await import_rejects.add_rejects(connection, stored_rejects(self.import_id, columns, rejected))
            after = replace(
                work,
                next_line=batch[-1].line + 1,
                good=work.good - len(rejected),
                rejected=work.rejected + len(rejected),
                published=work.published + len(change.appends),
            )
            await import_work.advance(connection, after)
        self.core.store.committed()
        return after

    async def _still_good(
        self,
        connection: AsyncConnection,
        columns: Layout,
        batch: list[Record],
        visibility: Visibility,
        rejected: RejectedRows,
    ) -> list[ReadRow]:
        """The rows that the check accepted. Those whose decision was listed since the check are rejected."""
        bad = await import_rejects.rejected_lines(connection, self.import_id, batch[0].line, batch[-1].line)
        rows: list[ReadRow] = []
        for record in batch:
            if record.line in bad:
                continue
            _, row, faults = read_record(record, columns, self.core.keys)
            if row is None:
                rejected.append((record, faults))
            else:
                rows.append(row)
        active = await entries.active_among(connection, {row.key for row in rows})
        return split_duplicates(rows, active, visibility, rejected)

    async def _decided(
        self, connection: AsyncConnection, rows: list[ReadRow], book: LawBook, rejected: RejectedRows
    ) -> Session:
        """Decide every row. A row that the law book of today refuses is rejected."""
        approver = self.state.approved_by
        metadata = Metadata(approver.account, approver.department, self.import_id)
        session = Session(self.core.store, self.core.clock.now(), metadata, connection)
        ids = [EntryId(stable_id("import", self.import_id, str(row.record.line))) for row in rows]
        await session.load(ENTRY, ids)
        for entry_id, row in zip(ids, rows, strict=True):
            entry = sealed_entry(row.entry, row.keys, entry_id, self.core.seal.seal)
            command = PublishImported(entry, self.import_id, self.state.imported_by, approver, book)
            try:
                session.do_loaded(ENTRY, entry_id, command)
            except Rejected as refused:
                rejected.append((row.record, refused.faults))
        return session
