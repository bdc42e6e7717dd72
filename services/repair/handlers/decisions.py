"""Decisions about an entry: made by one officer, confirmed or returned by another."""

from collections.abc import Sequence

from uuid_utils import uuid7

from services.repair.domain.commands import Command, Confirm, Decide, Officer, Return
from services.repair.domain.content import Content
from services.repair.domain.entry import ENTRY
from services.repair.domain.events import DecisionMade
from services.repair.domain.state import CaseKind
from services.repair.handlers.entry import answer, apply
from services.repair.views import cases, decisions
from services.repair.views.acts import act_id, act_kind
from shared.contracts.event import EntryId, Event
from shared.eventstore import Session
from shared.rejection import reject
from shared.runtime.core import Core
from shared.web.writing import Answer


async def decide(
    core: Core, session: Session, entry_id: EntryId, *, by: Officer, content: Content, expected: int | None
) -> Answer:
    """Decide about an entry (201). The status of the answer is `awaiting_confirmation` until another officer confirms."""
    return await _decide(core, session, 201, entry_id, by, content, expected, {})


async def decide_case(
    core: Core,
    session: Session,
    kind: CaseKind,
    case_id: str,
    *,
    by: Officer,
    content: Content,
    expected: int | None,
) -> Answer:
    """Decide a case (200). Raises Rejected: `unknown_id` when no case of this kind has the id."""
    async with core.engine.connect() as connection:
        entry_id = await cases.entry_of(connection, kind, case_id)
    if entry_id is None:
        raise reject("unknown_id", f"path.{kind}_id")
    return await _decide(core, session, 200, entry_id, by, content, expected, {f"{kind}_id": case_id})


async def confirm(core: Core, session: Session, decision_id: str, *, by: Officer, expected: int | None) -> Answer:
    """Confirm a decision: it takes effect."""
    command = Confirm(by, await core.lawbook.current(), decision_id)
    return await _close(core, session, decision_id, command, expected)


async def return_(
    core: Core, session: Session, decision_id: str, *, by: Officer, reason: str, expected: int | None
) -> Answer:
    """Return a decision unconfirmed."""
    command = Return(by, await core.lawbook.current(), decision_id, reason)
    return await _close(core, session, decision_id, command, expected)


async def _decide(
    core: Core,
    session: Session,
    status: int,
    entry_id: EntryId,
    by: Officer,
    content: Content,
    expected: int | None,
    ids: dict[str, str],
) -> Answer:
    before = await session.version(ENTRY, entry_id)
    command = Decide(by, await core.lawbook.current(), str(uuid7()), content)
    events = await apply(session, entry_id, command, expected)
    if any(isinstance(event, DecisionMade) for event in events):
        awaiting = {**ids, "decision_id": command.decision_id}
        return await answer(session, status, entry_id, decisions.AWAITING, **awaiting)
    return await answer(session, status, entry_id, **ids, **_acts(entry_id, before, events))


async def _close(core: Core, session: Session, decision_id: str, command: Command, expected: int | None) -> Answer:
    async with core.engine.connect() as connection:
        found = await decisions.found(connection, decision_id)
    if found is None:
        raise reject("unknown_id", "path.decision_id")
    before = await session.version(ENTRY, found.entry_id)
    events = await apply(session, found.entry_id, command, expected)
    ids = {"decision_id": decision_id, **_acts(found.entry_id, before, events)}
    if found.case_id is not None:
        ids[f"{found.kind}_id"] = found.case_id
    return await answer(session, 200, found.entry_id, **ids)


def _acts(entry_id: str, before: int, events: Sequence[Event]) -> dict[str, str]:
    """`revocation_id`, `correction_id` or `ending_id` of the act among the events, which follow version `before`."""
    return {
        f"{kind}_id": act_id(entry_id, before + nth)
        for nth, event in enumerate(events, start=1)
        if (kind := act_kind(event))
    }
