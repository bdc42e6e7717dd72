"""What officers do with entries and imports: one function a command. Everything is decided in `domain`."""

from services.initiator import forms
from services.initiator.domain import entry as entries
from services.initiator.domain import imports
from services.initiator.domain.entry import Approve, Draft, EntryCommand, EntryState, Officer, Return, Revise, Submit
from services.initiator.domain.imports import ApproveImport, ImportCommand, ImportState, Receive, Withdraw
from services.initiator.forms import Form
from services.initiator.views import imports as files
from shared.calendar.working_days import today
from shared.contracts.event import EntryId
from shared.contracts.listing import Entry
from shared.decider import Decider
from shared.eventstore import Session
from shared.ids import new_event_id
from shared.lawbook.book import LawBook
from shared.lawbook.entry_rules import entry_faults
from shared.runtime.core import Core
from shared.web.writing import Answer

ENTRY: Decider[EntryState, EntryCommand] = Decider("entry", entries.INITIAL, entries.decide, entries.evolve)
IMPORT: Decider[ImportState, ImportCommand] = Decider("import", imports.INITIAL, imports.decide, imports.evolve)


# --- entries


async def draft(core: Core, session: Session, by: Officer, form: Form) -> Answer:
    book = await core.lawbook.current()
    entry_id = EntryId(new_event_id())
    entry = _entry(core, session, form, entry_id, book)
    await session.do(ENTRY, entry_id, Draft(entry, by, book))
    return await _entry_answer(session, entry_id, 201)


async def revise(core: Core, session: Session, by: Officer, entry_id: str, expected: int | None, form: Form) -> Answer:
    book = await core.lawbook.current()
    await session.expect(ENTRY, entry_id, expected)
    entry = _entry(core, session, form, EntryId(entry_id), book)
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
    entries.status_of(await session.state(ENTRY, entry_id))
    await session.expect(ENTRY, entry_id, expected)
    await session.do(ENTRY, entry_id, command)
    return await _entry_answer(session, entry_id)


def _entry(core: Core, session: Session, form: Form, entry_id: EntryId, book: LawBook) -> Entry:
    day = today(session.now)
    return forms.named_entry(form, core.keys, core.seal.seal, entry_id, lambda: entry_faults(form, book, day))


async def _entry_answer(session: Session, entry_id: str, status: int = 200) -> Answer:
    state = await session.state(ENTRY, entry_id)
    version = await session.version(ENTRY, entry_id)
    return Answer(status, {"entry_id": entry_id, "version": version, "status": entries.status_of(state).value})


# --- imports


async def receive_import(session: Session, import_id: str, command: Receive) -> Answer:
    """The file is stored already, piece by piece; from here on it is an import, and the work on it begins."""
    await session.do(IMPORT, import_id, command)
    session.also(lambda connection: files.open_work(connection, import_id))
    return await _import_answer(session, import_id, 202)


async def approve_import(core: Core, session: Session, by: Officer, import_id: str, expected: int | None) -> Answer:
    book = await core.lawbook.current()
    imports.status_of(await session.state(IMPORT, import_id))
    await session.expect(IMPORT, import_id, expected)
    await session.do(IMPORT, import_id, ApproveImport(by, book))
    session.also(lambda connection: files.begin_publishing(connection, import_id))
    return await _import_answer(session, import_id, 202)


async def withdraw_import(session: Session, by: Officer, import_id: str, expected: int | None) -> Answer:
    imports.status_of(await session.state(IMPORT, import_id))
    await session.expect(IMPORT, import_id, expected)
    await session.do(IMPORT, import_id, Withdraw(by))
    session.also(lambda connection: files.close_work(connection, import_id))
    return await _import_answer(session, import_id)


async def _import_answer(session: Session, import_id: str, status: int = 200) -> Answer:
    state = await session.state(IMPORT, import_id)
    version = await session.version(IMPORT, import_id)
    return Answer(status, {"import_id": import_id, "version": version, "status": imports.status_of(state).value})
