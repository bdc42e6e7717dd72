"""The first step of an import: every row is judged, and duplicates are found. Nothing is published."""

from dataclasses import dataclass, field, replace
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from services.initiator.domain.commands import ReportCheck
from services.initiator.domain.imports import IMPORT
from services.initiator.domain.visibility import Visibility, visibility_of
from services.initiator.files.heading import Layout
from services.initiator.files.reading import Record
from services.initiator.jobs.batches import (
    OpenImport,
    ReadRow,
    RejectedRows,
    open_import,
    read_record,
    service_session,
    split_duplicates,
    stored_rejects,
)
from services.initiator.stores import import_keys, import_rejects, import_work
from services.initiator.stores.import_work import Work
from services.initiator.views import entries
from shared.calendar.working_days import today
from shared.contracts.event import DepartmentId, DomainId
from shared.lawbook.book import LawBook
from shared.lawbook.entry_rules import entry_faults
from shared.rejection import Fault, reject
from shared.runtime.core import Core


@dataclass
class CheckStep:
    """`department`: the importing department. `work`: the progress that was committed last."""

    core: Core
    import_id: str
    batch_rows: int
    department: DepartmentId
    work: Work = field(init=False)

    async def run(self, work: Work) -> None:
        """Raises Rejected when the file as a whole cannot be read, and Superseded when another worker continued."""
        self.work = work
        async with open_import(self.core, work, self.department, self.batch_rows) as file:
            await self._describe(file)
            async for columns, batch in file.batches:
                await self._check_batch(columns, batch)
        if not self.work.rows:
            raise reject("file_without_rows", "file")
        await self._report()

    async def _describe(self, file: OpenImport) -> None:
        """Store what is known once the file was read to its end: how much there is to check."""
        if self.work.form is not None:
            return
        after = replace(
            self.work, form=file.format, encoding=file.encoding, total=file.total, hidden_rows=file.hidden_rows
        )
        async with self.core.engine.begin() as connection:
            await import_work.lock_work(connection, self.work)
            await import_work.describe(connection, after)
        self.work = after

    async def _check_batch(self, columns: Layout, batch: list[Record]) -> None:
        book = await self.core.lawbook.current()
        rejected: RejectedRows = []
        day = today(self.core.clock.now())
        rows = self._sound_rows(columns, batch, book, day, rejected)
        async with self.core.engine.begin() as connection:
            await import_work.lock_work(connection, self.work)
            visibility = visibility_of(self.department, book, day)
            good = await self._without_duplicates(connection, rows, visibility, rejected)
            await import_rejects.add_rejects(connection, stored_rejects(self.import_id, columns, rejected))
            after = replace(
                self.work,
                next_line=batch[-1].line + 1,
                rows=self.work.rows + len(batch),
                good=self.work.good + len(good),
                rejected=self.work.rejected + len(rejected),
                domains=self.work.domains | {row.entry.domain_id for row in good},
            )
            await import_work.advance(connection, after)
        self.work = after

    def _sound_rows(
        self, columns: Layout, batch: list[Record], book: LawBook, day: date, rejected: RejectedRows
    ) -> list[ReadRow]:
        """The rows without faults by the law book of this day. The others are rejected."""
        rows: list[ReadRow] = []
        for record in batch:
            entry, row, faults = read_record(record, columns, self.core.keys)
            if entry is not None:
                faults = [*entry_faults(entry, book, day), *faults]
            if faults or row is None:
                rejected.append((record, faults))
            else:
                rows.append(row)
        return rows

    async def _without_duplicates(
        self, connection: AsyncConnection, rows: list[ReadRow], visibility: Visibility, rejected: RejectedRows
    ) -> list[ReadRow]:
        """The rows on a decision that no active entry and no earlier row has. The others are rejected."""
        active = await entries.active_among(connection, {row.key for row in rows})
        new = split_duplicates(rows, active, visibility, rejected)
        lines: dict[str, int] = {}
        for row in new:
            lines.setdefault(row.key, row.record.line)
        first = await import_keys.claim(connection, self.import_id, lines)
        good: list[ReadRow] = []
        for row in new:
            if first[row.key] == row.record.line:
                good.append(row)
            else:
                fault = Fault("duplicate_in_file", "document_number", {"line": first[row.key]})
                rejected.append((row.record, [fault]))
        return good

    async def _report(self) -> None:
        book = await self.core.lawbook.current()
        work = self.work
        domains = tuple(DomainId(domain) for domain in sorted(work.domains))
        async with self.core.engine.begin() as connection:
            await import_work.lock_work(connection, work)
            session = service_session(self.core, self.import_id, connection)
            await session.do(
                IMPORT,
                self.import_id,
                ReportCheck(work.rows, work.good, work.rejected, domains, book, work.hidden_rows),
            )
            await self.core.store.write(connection, [session.change()])
            await import_work.begin_waiting(connection, self.import_id)
        self.core.store.committed()
