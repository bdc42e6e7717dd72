"""Objections and requests for repair: filed under a new case id, then decided under that id."""

from uuid_utils import uuid7

from services.repair.domain.commands import (
    Command,
    FileObjection,
    GrantRepair,
    Officer,
    RefuseRepair,
    RejectObjection,
    RequestRepair,
    UpholdObjection,
)
from services.repair.domain.correction import Changes
from services.repair.domain.state import CaseKind
from services.repair.handlers.entry import answer, apply
from services.repair.views.cases import entry_of
from shared.contracts.event import EntryId
from shared.eventstore import Session
from shared.rejection import reject
from shared.runtime.core import Core
from shared.web.writing import Answer


async def request_repair(
    core: Core, session: Session, entry_id: EntryId, *, reason: str, evidence: str, expected: int | None
) -> Answer:
    """Open a request for repair."""
    case_id = str(uuid7())
    await apply(session, entry_id, RequestRepair(await core.lawbook.current(), case_id, reason, evidence), expected)
    return await answer(session, 201, entry_id, repair_id=case_id)


async def grant_repair(
    core: Core,
    session: Session,
    repair_id: str,
    *,
    by: Officer,
    reason: str,
    document_number: str,
    expected: int | None,
) -> Answer:
    """Grant a request for repair."""
    command = GrantRepair(by, await core.lawbook.current(), repair_id, reason, document_number)
    return await _decide(core, session, "repair", repair_id, command, expected)


async def refuse_repair(
    core: Core, session: Session, repair_id: str, *, by: Officer, reason: str, expected: int | None
) -> Answer:
    """Refuse a request for repair."""
    command = RefuseRepair(by, await core.lawbook.current(), repair_id, reason)
    return await _decide(core, session, "repair", repair_id, command, expected)


async def file_objection(
    core: Core, session: Session, entry_id: EntryId, *, reason: str, expected: int | None
) -> Answer:
    """Open an objection."""
    case_id = str(uuid7())
    await apply(session, entry_id, FileObjection(await core.lawbook.current(), case_id, reason), expected)
    return await answer(session, 201, entry_id, objection_id=case_id)


async def uphold_objection(
    core: Core,
    session: Session,
    objection_id: str,
    *,
    by: Officer,
    reason: str,
    document_number: str,
    changes: Changes | None,
    expected: int | None,
) -> Answer:
    """Uphold an objection. Without `changes` the entry is revoked."""
    command = UpholdObjection(by, await core.lawbook.current(), objection_id, reason, document_number, changes)
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
    """Apply a decision to the entry of a case. Raises Rejected: `unknown_id` when no case of this kind has the id."""
    async with core.engine.connect() as connection:
        entry_id = await entry_of(connection, kind, case_id)
    if entry_id is None:
        raise reject("unknown_id", f"path.{kind}_id")
    await apply(session, entry_id, command, expected)
    return await answer(session, 200, entry_id, **{f"{kind}_id": case_id})
