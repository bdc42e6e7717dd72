"""Objections and requests for repair: filed under a new case id, then verified, refused or rejected under that id."""

from uuid_utils import uuid7

from services.repair.domain.commands import (
    BeginVerification,
    Command,
    FileObjection,
    Officer,
    RefuseRepair,
    RejectObjection,
    RequestRepair,
)
from services.repair.domain.events import Ground, RepairRequested
from services.repair.domain.state import CaseKind
from services.repair.handlers.entry import answer, apply
from services.repair.views.cases import entry_of
from shared.contracts.event import EntryId
from shared.eventstore import Session
from shared.rejection import reject
from shared.runtime.core import Core
from shared.web.writing import Answer


async def request_repair(
    core: Core, session: Session, entry_id: EntryId, *, by: Officer, reason: str, evidence: str, expected: int | None
) -> Answer:
    """Open a request for repair. The answer says from which day it can be granted, where a minimum of publicity applies."""
    case_id = str(uuid7())
    command = RequestRepair(by, await core.lawbook.current(), case_id, reason, evidence)
    [requested, *_] = await apply(session, entry_id, command, expected)
    earliest = requested.earliest_on if isinstance(requested, RepairRequested) else None
    day = earliest.isoformat() if earliest else None
    return await answer(session, 201, entry_id, repair_id=case_id, earliest_on=day)


async def refuse_repair(
    core: Core, session: Session, repair_id: str, *, by: Officer, reason: str, expected: int | None
) -> Answer:
    """Refuse a request for repair."""
    command = RefuseRepair(by, await core.lawbook.current(), repair_id, reason)
    return await _decide(core, session, "repair", repair_id, command, expected)


async def file_objection(
    core: Core,
    session: Session,
    entry_id: EntryId,
    *,
    by: Officer,
    reason: str,
    ground: Ground,
    new_evidence: str,
    expected: int | None,
) -> Answer:
    """Open an objection."""
    case_id = str(uuid7())
    command = FileObjection(by, await core.lawbook.current(), case_id, reason, ground, new_evidence)
    await apply(session, entry_id, command, expected)
    return await answer(session, 201, entry_id, objection_id=case_id)


async def begin_verification(
    core: Core, session: Session, objection_id: str, *, by: Officer, expected: int | None
) -> Answer:
    """Begin to verify an objection."""
    command = BeginVerification(by, await core.lawbook.current(), objection_id)
    return await _decide(core, session, "objection", objection_id, command, expected)


async def reject_objection(
    core: Core, session: Session, objection_id: str, *, by: Officer, reason: str, expected: int | None
) -> Answer:
    """Reject an objection."""
    command = RejectObjection(by, await core.lawbook.current(), objection_id, reason)
    return await _decide(core, session, "objection", objection_id, command, expected)


async def _decide(
    core: Core, session: Session, kind: CaseKind, case_id: str, command: Command, expected: int | None
) -> Answer:
    """Apply a command to the entry of a case. Raises Rejected: `unknown_id` when no case of this kind has the id."""
    async with core.engine.connect() as connection:
        entry_id = await entry_of(connection, kind, case_id)
    if entry_id is None:
        raise reject("unknown_id", f"path.{kind}_id")
    await apply(session, entry_id, command, expected)
    return await answer(session, 200, entry_id, **{f"{kind}_id": case_id})
