"""The commands of officers to entries and imports: one function for each command. Load, decide, append."""

from services.initiator.domain import imports
from services.initiator.domain.commands import (
    Approve,
    ApproveImport,
    Draft,
    EntryCommand,
    Officer,
    Receive,
    Return,
    Revise,
    Submit,
    Withdraw,
)
from services.initiator.domain.entry import ENTRY, require_existing, status_of
from services.initiator.domain.entry_input import EntryInput, entry_from_input
from services.initiator.domain.imports import IMPORT
from services.initiator.domain.visibility import visibility_of
from services.initiator.stores import import_work
from services.initiator.views import entries
from shared.calendar.working_days import today
from shared.contracts.event import DepartmentId, EntryId
from shared.contracts.listing import Entry
from shared.eventstore import Change, Session
from shared.eventstore.changes import UniqueFault
from shared.ids import new_event_id
from shared.lawbook.book import LawBook
from shared.lawbook.entry_rules import entry_faults
from shared.runtime.core import Core
from shared.web.writing import Answer

# --- entries


async def draft(core: Core, session: Session, by: Officer, given: EntryInput) -> Answer:
    book = await core.lawbook.current()
    entry_id = EntryId(new_event_id())
    entry = _entry(core, session, given, entry_id, book)
    session.fresh(ENTRY, entry_id)
    await session.do(ENTRY, entry_id, Draft(entry, by, book))
    return await _entry_answer(session, entry_id, 201)


async def revise(
    core: Core, session: Session, by: Officer, entry_id: str, expected: int | None, given: EntryInput
) -> Answer:
    book = await core.lawbook.current()
    require_existing(await session.state(ENTRY, entry_id))
    await session.expect(ENTRY, entry_id, expected)
    entry = _entry(core, session, given, EntryId(entry_id), book)
    await session.do(ENTRY, entry_id, Revise(entry, by, book))
    return await _entry_answer(session, entry_id)


async def submit(core: Core, session: Session, by: Officer, entry_id: str, expected: int | None) -> Answer:
    book = await core.lawbook.current()
    return await _step(session, entry_id, expected, Submit(by, book))


async def approve(core: Core, session: Session, by: Officer, entry_id: str, expected: int | None) -> Answer:
    book = await core.lawbook.current()
    return await _step(session, entry_id, expected, Approve(by, book))


async def send_back(
    core: Core, session: Session, by: Officer, entry_id: str, expected: int | None, reason: str
) -> Answer:
    book = await core.lawbook.current()
    return await _step(session, entry_id, expected, Return(reason, by, book))


async def _step(session: Session, entry_id: str, expected: int | None, command: EntryCommand) -> Answer:
    """An unknown id is reported before a stale version."""
    require_existing(await session.state(ENTRY, entry_id))
    await session.expect(ENTRY, entry_id, expected)
    await session.do(ENTRY, entry_id, command)
    return await _entry_answer(session, entry_id)


def _entry(core: Core, session: Session, given: EntryInput, entry_id: EntryId, book: LawBook) -> Entry:
    day = today(session.now)
    return entry_from_input(given, core.keys, core.seal.seal, entry_id, lambda: entry_faults(given, book, day))


async def _entry_answer(session: Session, entry_id: str, status: int = 200) -> Answer:
    state = require_existing(await session.state(ENTRY, entry_id))
    version = await session.version(ENTRY, entry_id)
    return Answer(status, {"entry_id": entry_id, "version": version, "status": status_of(state).value})


def unique_faults(core: Core) -> dict[str, UniqueFault]:
    """`duplicate_entry` (409) names the entry that is active on the same decision, if the caller's department may read it."""

    async def duplicate_facts(change: Change) -> dict[str, object]:
        return {"entry_id": await _readable_duplicate(core, change)}

    return {entries.ONE_DECISION.name or "": UniqueFault("duplicate_entry", duplicate_facts)}


async def _readable_duplicate(core: Core, change: Change) -> str | None:
    """The id of the active entry on the same decision; None when it is not active any more, or when the caller may not read it.

    Only a command to one entry gets an answer. The import jobs, which append many, look for duplicates themselves.
    """
    if len(change.appends) != 1:
        return None
    [append] = change.appends
    department = append.events[-1].metadata.department
    async with core.store.reading.connect() as connection:
        active = await entries.active_duplicate(connection, append.stream.removeprefix(ENTRY.stream("")))
    if active is None or department is None:
        return None
    book, day = await core.lawbook.current(), today(core.clock.now())
    return active.id_for(visibility_of(DepartmentId(department), book, day))


# --- imports


async def receive_import(session: Session, import_id: str, command: Receive) -> Answer:
    """The whole file is stored already. The import exists from here on, and the jobs begin to check it."""
    session.fresh(IMPORT, import_id)
    await session.do(IMPORT, import_id, command)
    session.also(lambda connection: import_work.open_work(connection, import_id))
    return await _import_answer(session, import_id, 202)


async def approve_import(core: Core, session: Session, by: Officer, import_id: str, expected: int | None) -> Answer:
    book = await core.lawbook.current()
    imports.require_existing(await session.state(IMPORT, import_id))
    await session.expect(IMPORT, import_id, expected)
    await session.do(IMPORT, import_id, ApproveImport(by, book))
    session.also(lambda connection: import_work.begin_publishing(connection, import_id))
    return await _import_answer(session, import_id, 202)


async def withdraw_import(session: Session, by: Officer, import_id: str, expected: int | None) -> Answer:
    imports.require_existing(await session.state(IMPORT, import_id))
    await session.expect(IMPORT, import_id, expected)
    await session.do(IMPORT, import_id, Withdraw(by))
    session.also(lambda connection: import_work.close_work(connection, import_id))
    return await _import_answer(session, import_id)


async def _import_answer(session: Session, import_id: str, status: int = 200) -> Answer:
    state = imports.require_existing(await session.state(IMPORT, import_id))
    version = await session.version(IMPORT, import_id)
    return Answer(status, {"import_id": import_id, "version": version, "status": imports.status_of(state).value})
