"""One function a command on an entry after its publication: load, decide, and let the timer follow the term."""

import uuid
from collections.abc import Sequence
from typing import Any

from uuid_utils import uuid7

from services.repair import forms
from services.repair.commands import (
    Command,
    Correct,
    End,
    Expire,
    FileObjection,
    GrantRepair,
    Officer,
    RefuseRepair,
    RejectObjection,
    RequestRepair,
    Revoke,
    UpholdObjection,
)
from services.repair.correction import Changes
from services.repair.domain import INITIAL, CaseKind, OnList, State, Unread, decide, end_of_term, evolve, status_of
from services.repair.persons import responsible_persons
from services.repair.views import cases
from shared.contracts.event import EntryId
from shared.decider import Decider
from shared.eventstore import Session, Timer
from shared.rejection import Rejected, reject
from shared.runtime.core import Core
from shared.timers.worker import Fire
from shared.trust import OfficerRole, Principal
from shared.web.writing import Answer

ENTRIES: Decider[State, Command] = Decider("entry", INITIAL, decide, evolve)

_GIVEN_VERSIONS = (5, 7)
"""The initiator makes the id of a single entry (7), and derives that of an imported one from its row (5)."""


async def correct(
    core: Core, session: Session, who: Principal, form: forms.CorrectionForm, expected: int | None
) -> Answer:
    book = await core.lawbook.current()
    changes = _changes(core, form.changes)
    command = Correct(_officer(who), book, changes, form.cause, form.reason, form.document_number)
    return await _act(session, "correction_id", form.entry_id, command, expected)


async def revoke(
    core: Core, session: Session, who: Principal, form: forms.RevocationForm, expected: int | None
) -> Answer:
    book = await core.lawbook.current()
    command = Revoke(_officer(who), book, form.cause, form.reason, form.document_number)
    return await _act(session, "revocation_id", form.entry_id, command, expected)


async def end(core: Core, session: Session, who: Principal, form: forms.EndingForm, expected: int | None) -> Answer:
    book = await core.lawbook.current()
    command = End(_officer(who), book, form.cause, form.reason)
    return await _act(session, "ending_id", form.entry_id, command, expected)


async def request_repair(core: Core, session: Session, form: forms.RepairForm, expected: int | None) -> Answer:
    case_id = str(uuid7())
    book = await core.lawbook.current()
    command = RequestRepair(book, case_id, form.reason, form.evidence)
    await _do(session, form.entry_id, command, expected)
    return await _answer(session, 201, form.entry_id, repair_id=case_id)


async def grant_repair(
    core: Core, session: Session, who: Principal, repair_id: str, form: forms.GrantForm, expected: int | None
) -> Answer:
    book = await core.lawbook.current()
    command = GrantRepair(_officer(who), book, repair_id, form.reason, form.document_number)
    return await _close(core, session, "repair", repair_id, command, expected)


async def refuse_repair(
    core: Core, session: Session, who: Principal, repair_id: str, form: forms.RefusalForm, expected: int | None
) -> Answer:
    book = await core.lawbook.current()
    command = RefuseRepair(_officer(who), book, repair_id, form.reason)
    return await _close(core, session, "repair", repair_id, command, expected)


async def file_objection(core: Core, session: Session, form: forms.ObjectionForm, expected: int | None) -> Answer:
    case_id = str(uuid7())
    command = FileObjection(await core.lawbook.current(), case_id, form.reason)
    await _do(session, form.entry_id, command, expected)
    return await _answer(session, 201, form.entry_id, objection_id=case_id)


async def uphold_objection(
    core: Core, session: Session, who: Principal, objection_id: str, form: forms.UpholdingForm, expected: int | None
) -> Answer:
    book = await core.lawbook.current()
    changes = _changes(core, form.changes) if form.changes else None
    command = UpholdObjection(_officer(who), book, objection_id, form.reason, form.document_number, changes)
    return await _close(core, session, "objection", objection_id, command, expected)


async def reject_objection(
    core: Core, session: Session, who: Principal, objection_id: str, form: forms.RefusalForm, expected: int | None
) -> Answer:
    book = await core.lawbook.current()
    command = RejectObjection(_officer(who), book, objection_id, form.reason)
    return await _close(core, session, "objection", objection_id, command, expected)


def expiry(core: Core) -> Fire:
    """What the timer of a term does."""

    async def expire(session: Session, timers: Sequence[Timer]) -> None:
        entry_ids = [EntryId(timer.payload["entry_id"]) for timer in timers]
        await session.load(ENTRIES, entry_ids)
        book = await core.lawbook.current()
        for entry_id in entry_ids:
            session.do_loaded(ENTRIES, entry_id, Expire(book))
            follow_term(session, entry_id, await session.state(ENTRIES, entry_id))

    return expire


def follow_term(session: Session, entry_id: EntryId, state: State) -> None:
    """Let the timer stand at the end of the term, or nowhere when the entry has left its list or has no end."""
    due = end_of_term(state.entry) if isinstance(state, OnList) else None
    if due is None:
        session.cancel(f"expire:{entry_id}")
    else:
        session.schedule(f"expire:{entry_id}", due, entry_id=entry_id)


async def _act(session: Session, name: str, entry_id: EntryId, command: Command, expected: int | None) -> Answer:
    """An act that is one event; its id is its place in the stream of the entry."""
    before = await session.version(ENTRIES, entry_id)
    await _do(session, entry_id, command, expected)
    return await _answer(session, 201, entry_id, **{name: act_id(entry_id, before + 1)})


def act_id(entry_id: str, version: int) -> str:
    """The id of a correction, revocation or ending."""
    return f"{entry_id}-{version}"


async def _close(
    core: Core, session: Session, kind: CaseKind, case_id: str, command: Command, expected: int | None
) -> Answer:
    async with core.engine.connect() as connection:
        entry_id = await cases.entry_of(connection, kind, case_id)
    if entry_id is None:
        raise reject("unknown_id", f"path.{kind}_id")
    await _do(session, entry_id, command, expected)
    return await _answer(session, 200, entry_id, **{f"{kind}_id": case_id})


async def _do(session: Session, entry_id: EntryId, command: Command, expected: int | None) -> None:
    if isinstance(await session.state(ENTRIES, entry_id), Unread):
        raise _not_here(entry_id)
    await session.expect(ENTRIES, entry_id, expected)
    await session.do(ENTRIES, entry_id, command)
    follow_term(session, entry_id, await session.state(ENTRIES, entry_id))


def _not_here(entry_id: str) -> Rejected:
    """Only the initiator knows which entries there are; here it is known which were read.

    An entry is published at any age of its id (a draft may lie for months, a row of a file has an id without a date), and it
    may wait in the initiator's outbox, in Kafka, or here behind a parked event. So of an id that the initiator may have given
    it is only said that its publication was not read yet; what cannot be such an id is unknown for good.
    """
    return reject("entry_not_read_yet" if _may_be_given(entry_id) else "unknown_id", "entry_id")


def _may_be_given(entry_id: str) -> bool:
    try:
        given = uuid.UUID(entry_id)
    except ValueError:
        return False
    return str(given) == entry_id and given.version in _GIVEN_VERSIONS


async def _answer(session: Session, status: int, entry_id: EntryId, **ids: str) -> Answer:
    state = await session.state(ENTRIES, entry_id)
    assert not isinstance(state, Unread)
    version = await session.version(ENTRIES, entry_id)
    return Answer(status, {**ids, "entry_id": entry_id, "version": version, "status": status_of(state)})


def _officer(who: Principal) -> Officer:
    return Officer(who.department, credit_office=who.has(OfficerRole.CREDIT_OFFICE))


def _changes(core: Core, form: forms.ChangesForm) -> Changes:
    """The given fields; responsible persons named and sealed as subjects."""
    given: dict[str, Any] = {name: getattr(form, name) for name in form.model_fields_set}
    if "responsible" in given:
        sent: Sequence[forms.ResponsibleForm] = form.responsible or ()
        given["responsible"] = responsible_persons(core.keys, core.seal, sent)
    return Changes(**given)
