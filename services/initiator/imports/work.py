"""One import's rows, batch by batch: judged in the first step, published in the second.

A batch costs the same number of statements whatever its size; see `job` for what makes it safe to die between two.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.initiator import forms
from services.initiator.domain.entry import PublishImported
from services.initiator.domain.imports import Checking, Finish, Publishing, RefuseFile, ReportCheck
from services.initiator.forms import Form, Named
from services.initiator.handlers import ENTRY, IMPORT
from services.initiator.imports.columns import layout
from services.initiator.imports.reading import FileForm, Record, Sniffed, records, sniff
from services.initiator.imports.rejects import reject_rows
from services.initiator.imports.rows import Layout, read_form
from services.initiator.views import entries, imports
from services.initiator.views.imports import Step, Superseded, Work
from shared.calendar.working_days import today
from shared.contracts.event import DepartmentId, DomainId, EntryId
from shared.eventstore import Metadata, Session, VersionConflict
from shared.ids import stable_id
from shared.lawbook.book import LawBook
from shared.lawbook.entry_rules import entry_faults
from shared.rejection import Fault, Rejected, reject_all
from shared.runtime.core import Core

_TRIES = 5
"""How often a batch is tried whose rows somebody else publishes at the same moment."""


async def refuse(core: Core, import_id: str, faults: Sequence[Fault], expected: Work | None = None) -> None:
    """Refuse a file as a whole, and delete it. Raises Superseded when the work is not where it was expected."""
    async with core.engine.begin() as connection:
        if expected is not None:
            await imports.lock_work(connection, expected)
        session = Session(core.store, core.clock.now(), _own_doing(core, import_id), connection)
        await session.do(IMPORT, import_id, RefuseFile(tuple(faults)))
        await core.store.write(connection, [session.change()])
        await imports.close_work(connection, import_id)
    core.store.committed()


def _own_doing(core: Core, import_id: str) -> Metadata:
    return Metadata(actor=f"service:{core.name}", correlation=import_id)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row whose form could be read and whose subjects could be named."""

    record: Record
    form: Form
    named: Named
    key: str


Rejects = list[tuple[Record, Sequence[Fault]]]


@dataclass
class FileWork:
    """Does the step of an import that is due, to its end."""

    core: Core
    import_id: str
    batch_rows: int

    async def work(self) -> None:
        """Raises Superseded when the step is no longer due, or is done elsewhere."""
        async with self.core.engine.connect() as connection:
            work = await imports.read_work(connection, self.import_id)
            session = Session(self.core.store, self.core.clock.now(), Metadata(actor=""), connection)
            state = await session.state(IMPORT, self.import_id)
        if work is None:
            raise Superseded(self.import_id)
        match work.step, state:
            case Step.CHECKING, Checking():
                await self._check(work, state)
            case Step.PUBLISHING, Publishing():
                await self._publish(work, state)
            case _:
                raise Superseded(self.import_id)

    # --- the first step

    async def _check(self, work: Work, state: Checking) -> None:
        try:
            work = await self._sniffed(work)
            async for made, batch in self._batches(work, state.department):
                work = await self._check_batch(work, made, batch)
            if not work.rows:
                reject_all([Fault("file_without_rows", "file")])
        except Rejected as rejected:
            await refuse(self.core, self.import_id, rejected.faults, work)
            return
        await self._report(work)

    async def _sniffed(self, work: Work) -> Work:
        if work.form is not None:
            return work
        sniffed = await sniff(self._chunks)
        async with self.core.engine.begin() as connection:
            await imports.lock_work(connection, work)
            await imports.remember_form(connection, self.import_id, sniffed.form.value, sniffed.encoding)
        return replace(work, form=sniffed.form.value, encoding=sniffed.encoding)

    async def _check_batch(self, work: Work, made: Layout, batch: list[Record]) -> Work:
        book = await self.core.lawbook.current()
        rows, rejects = self._judged(made, batch, book)
        async with self.core.engine.begin() as connection:
            await imports.lock_work(connection, work)
            good = await self._first_of_their_kind(connection, rows, rejects)
            await imports.add_rejects(connection, self._reject_rows(made, rejects))
            after = replace(
                work,
                next_line=batch[-1].line + 1,
                rows=work.rows + len(batch),
                good=work.good + len(good),
                rejected=work.rejected + len(rejects),
                domains=work.domains | {row.form.domain_id for row in good},
            )
            await imports.advance(connection, after)
        return after

    def _judged(self, made: Layout, batch: list[Record], book: LawBook) -> tuple[list[_Row], Rejects]:
        day = today(self.core.clock.now())
        rows: list[_Row] = []
        rejects: Rejects = []
        for record in batch:
            form, named, faults = self._read(record, made)
            if form is not None:
                faults = [*entry_faults(form, book, day), *faults]
            if faults or form is None or named is None:
                rejects.append((record, faults))
            else:
                rows.append(_Row(record, form, named, _key(form, named)))
        return rows, rejects

    def _read(self, record: Record, made: Layout) -> tuple[Form | None, Named | None, list[Fault]]:
        if record.fault is not None:
            return None, None, [record.fault]
        form, faults = read_form(record.cells, made)
        if form is None:
            return None, None, faults
        named, faults = forms.name(form, self.core.keys)
        return form, named, faults

    async def _first_of_their_kind(self, connection: AsyncConnection, rows: list[_Row], rejects: Rejects) -> list[_Row]:
        """The rows whose decision stands nowhere yet, neither published nor earlier in the file; the others are rejects."""
        lines: dict[str, int] = {}
        for row in rows:
            lines.setdefault(row.key, row.record.line)
        standing = await entries.standing(connection, lines)
        first = await imports.claim(connection, self.import_id, {k: at for k, at in lines.items() if k not in standing})
        good: list[_Row] = []
        for row in rows:
            if row.key in standing:
                rejects.append((row.record, [Fault("duplicate_entry", "document_number")]))
            elif first[row.key] != row.record.line:
                rejects.append((row.record, [Fault("duplicate_in_file", "document_number", {"line": first[row.key]})]))
            else:
                good.append(row)
        return good

    async def _report(self, work: Work) -> None:
        book = await self.core.lawbook.current()
        domains = tuple(DomainId(domain) for domain in sorted(work.domains))
        async with self.core.engine.begin() as connection:
            await imports.lock_work(connection, work)
            session = Session(self.core.store, self.core.clock.now(), self._as_service, connection)
            await session.do(IMPORT, self.import_id, ReportCheck(work.rows, work.good, work.rejected, domains, book))
            await self.core.store.write(connection, [session.change()])
            await imports.begin_waiting(connection, self.import_id)
        self.core.store.committed()

    # --- the second step

    async def _publish(self, work: Work, state: Publishing) -> None:
        async for made, batch in self._batches(work, state.department):
            work = await self._publish_batch(work, state, made, batch)
        async with self.core.engine.begin() as connection:
            await imports.lock_work(connection, work)
            session = Session(self.core.store, self.core.clock.now(), self._as_service, connection)
            await session.do(IMPORT, self.import_id, Finish(work.published, work.rejected))
            await self.core.store.write(connection, [session.change()])
            await imports.close_work(connection, self.import_id)
        self.core.store.committed()

    async def _publish_batch(self, work: Work, state: Publishing, made: Layout, batch: list[Record]) -> Work:
        """A duplicate that appears between the question and the writing undoes the batch; asked again, it is a reject."""
        for _ in range(_TRIES - 1):
            try:
                return await self._publish_once(work, state, made, batch)
            except (Rejected, VersionConflict):
                continue
        return await self._publish_once(work, state, made, batch)

    async def _publish_once(self, work: Work, state: Publishing, made: Layout, batch: list[Record]) -> Work:
        book = await self.core.lawbook.current()
        rejects: Rejects = []
        async with self.core.engine.begin() as connection:
            await imports.lock_work(connection, work)
            rows = await self._still_good(connection, made, batch, rejects)
            session = await self._published(connection, rows, state, book, rejects)
            change = session.change()
            await self.core.store.write(connection, [change])
            await imports.add_rejects(connection, self._reject_rows(made, rejects))
            after = replace(
                work,
                next_line=batch[-1].line + 1,
                good=work.good - len(rejects),
                rejected=work.rejected + len(rejects),
                published=work.published + len(change.appends),
            )
            await imports.advance(connection, after)
        self.core.store.committed()
        return after

    async def _still_good(
        self, connection: AsyncConnection, made: Layout, batch: list[Record], rejects: Rejects
    ) -> list[_Row]:
        """The rows that the first step let through, but for those whose decision was published since."""
        bad = await imports.rejected_lines(connection, self.import_id, batch[0].line, batch[-1].line)
        rows: list[_Row] = []
        for record in batch:
            if record.line in bad:
                continue
            form, named, faults = self._read(record, made)
            if form is None or named is None:
                rejects.append((record, faults))
            else:
                rows.append(_Row(record, form, named, _key(form, named)))
        standing = await entries.standing(connection, [row.key for row in rows])
        rejects += [(row.record, [Fault("duplicate_entry", "document_number")]) for row in rows if row.key in standing]
        return [row for row in rows if row.key not in standing]

    async def _published(
        self, connection: AsyncConnection, rows: list[_Row], state: Publishing, book: LawBook, rejects: Rejects
    ) -> Session:
        """Decide the rows; what the law book of today refuses is a reject."""
        actor = Metadata(state.approved_by.account, state.approved_by.department, self.import_id)
        session = Session(self.core.store, self.core.clock.now(), actor, connection)
        ids = [EntryId(stable_id("import", self.import_id, str(row.record.line))) for row in rows]
        await session.load(ENTRY, ids)
        for entry_id, row in zip(ids, rows, strict=True):
            entry = forms.entry_of(row.form, row.named, entry_id, self.core.seal.seal)
            command = PublishImported(entry, self.import_id, state.imported_by, state.approved_by, book)
            try:
                session.do_loaded(ENTRY, entry_id, command)
            except Rejected as rejected:
                rejects.append((row.record, rejected.faults))
        return session

    # --- both

    @property
    def _as_service(self) -> Metadata:
        return _own_doing(self.core, self.import_id)

    async def _chunks(self) -> AsyncIterator[bytes]:
        """The file from its beginning. No connection is held between two pieces."""
        number = 0
        while True:
            async with self.core.engine.connect() as connection:
                chunk = await imports.chunk(connection, self.import_id, number)
            if chunk is None:
                return
            yield chunk
            number += 1

    async def _batches(self, work: Work, department: DepartmentId) -> AsyncIterator[tuple[Layout, list[Record]]]:
        """The rows from `next_line` on, in batches. Raises Rejected for a file that cannot be read."""
        if work.form is None:
            raise Superseded(self.import_id)
        sniffed = Sniffed(FileForm(work.form), work.encoding or "")
        made: Layout | None = None
        batch: list[Record] = []
        async for group in records(self._chunks, sniffed):
            if made is None:
                made = _layout(group.pop(0), department)
            batch += [record for record in group if record.line >= work.next_line]
            while len(batch) >= self.batch_rows:
                yield made, batch[: self.batch_rows]
                del batch[: self.batch_rows]
        if made is not None and batch:
            yield made, batch

    def _reject_rows(self, made: Layout, rejects: Rejects) -> list[dict[str, Any]]:
        return [row for record, faults in rejects for row in reject_rows(self.import_id, record, made, faults)]


def _layout(heading: Record, department: DepartmentId) -> Layout:
    """Raises Rejected, naming the columns that are missing and those that are not known."""
    places, faults = layout(heading.cells)
    reject_all(faults)
    return Layout(places, len(heading.cells), department)


def _key(form: Form, named: Named) -> str:
    return entries.decision_key(named.subject, form.domain_id, form.list_kind, form.decision.document_number)
