"""Corrections, revocations and endings. Each is one event; its id is the entry and the version of that event in its stream."""

from services.repair.domain.commands import Command, Correct, End, Officer, Revoke
from services.repair.domain.correction import Changes
from services.repair.domain.entry import ENTRY
from services.repair.handlers.entry import answer, apply
from services.repair.views.acts import ActKind, act_id
from shared.contracts.event import EntryId
from shared.contracts.listing import Cause
from shared.eventstore import Session
from shared.runtime.core import Core
from shared.web.writing import Answer


async def correct(
    core: Core,
    session: Session,
    entry_id: EntryId,
    *,
    by: Officer,
    changes: Changes,
    cause: Cause,
    reason: str,
    document_number: str,
    expected: int | None,
) -> Answer:
    """Correct the content of an entry."""
    command = Correct(by, await core.lawbook.current(), changes, cause, reason, document_number)
    return await _act(session, "correction", entry_id, command, expected)


async def revoke(
    core: Core,
    session: Session,
    entry_id: EntryId,
    *,
    by: Officer,
    cause: Cause,
    reason: str,
    document_number: str,
    expected: int | None,
) -> Answer:
    """Revoke an entry from the beginning."""
    command = Revoke(by, await core.lawbook.current(), cause, reason, document_number)
    return await _act(session, "revocation", entry_id, command, expected)


async def end(
    core: Core,
    session: Session,
    entry_id: EntryId,
    *,
    by: Officer,
    cause: Cause,
    reason: str,
    expected: int | None,
) -> Answer:
    """End an entry before its term."""
    command = End(by, await core.lawbook.current(), cause, reason)
    return await _act(session, "ending", entry_id, command, expected)


async def _act(session: Session, kind: ActKind, entry_id: EntryId, command: Command, expected: int | None) -> Answer:
    before = await session.version(ENTRY, entry_id)
    await apply(session, entry_id, command, expected)
    return await answer(session, 201, entry_id, **{f"{kind}_id": act_id(entry_id, before + 1)})
