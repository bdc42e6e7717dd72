"""What every handler of repair does: apply a command to an entry, schedule its expiry, and answer."""

import uuid
from collections.abc import Sequence

from services.repair.domain.acts import end_of_term
from services.repair.domain.commands import Command
from services.repair.domain.entry import ENTRY
from services.repair.domain.state import NotAdopted, OnList, State, status_of
from shared.contracts.event import EntryId, Event
from shared.eventstore import Session
from shared.rejection import Rejected, reject
from shared.web.writing import Answer

_ASSIGNED_UUID_VERSIONS = (5, 7)
"""The initiator creates the id of a single entry (7), and derives the id of an imported entry from its row (5)."""


async def apply(session: Session, entry_id: EntryId, command: Command, expected: int | None) -> Sequence[Event]:
    """Decide and append; returns the events. `expected`: the version of the entry that the caller has read, if given.

    Raises Rejected: `entry_not_read_yet` or `unknown_id` when the entry was not adopted, `stale_version`, or from the decider.
    """
    if isinstance(await session.state(ENTRY, entry_id), NotAdopted):
        raise _not_adopted(entry_id)
    await session.expect(ENTRY, entry_id, expected)
    events = await session.do(ENTRY, entry_id, command)
    schedule_expiry(session, entry_id, await session.state(ENTRY, entry_id))
    return events


def schedule_expiry(session: Session, entry_id: EntryId, state: State) -> None:
    """Set the timer to the end of the term; cancel it when the entry has left its list or its term has no end."""
    due = end_of_term(state.entry) if isinstance(state, OnList) else None
    if due is None:
        session.cancel(f"expire:{entry_id}")
    else:
        session.schedule(f"expire:{entry_id}", due, entry_id=entry_id)


async def answer(session: Session, code: int, entry_id: EntryId, status: str | None = None, **more: object) -> Answer:
    """The answer to a command: ids and more, and the version of the entry after it. `code`: of HTTP.

    `status`: in place of the status of the entry.
    """
    state = await session.state(ENTRY, entry_id)
    assert not isinstance(state, NotAdopted)
    version = await session.version(ENTRY, entry_id)
    return Answer(code, {**more, "entry_id": entry_id, "version": version, "status": status or status_of(state)})


def _not_adopted(entry_id: str) -> Rejected:
    """`entry_not_read_yet` for an id that the initiator may have assigned, `unknown_id` for one that it cannot have.

    Which entries exist is stored only at the initiator; here only the publications that were read are stored. An entry is
    published at any age of its id: a draft may wait for months, and the id of an imported row has no date. A publication may
    also still be in the initiator's outbox, in Kafka, or here behind a parked event.
    """
    return reject("entry_not_read_yet" if _may_be_assigned(entry_id) else "unknown_id", "entry_id")


def _may_be_assigned(entry_id: str) -> bool:
    try:
        parsed = uuid.UUID(entry_id)
    except ValueError:
        return False
    return str(parsed) == entry_id and parsed.version in _ASSIGNED_UUID_VERSIONS
