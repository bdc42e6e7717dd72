"""The aggregate of this service: an entry after its publication. One stream, one writer.

* Revocation ends the effects from the beginning; repair, expiry and withdrawal end them from then on (row 18).
* What ends something is decided by one officer and confirmed by another (decisions.py).
* Open cases and the decision that awaits confirmation suspend the entry (suspension.py).
* An entry that has left its list does not return and is not corrected. It can only be revoked.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from typing import assert_never

from services.repair.domain import acts, cases, decisions
from services.repair.domain.commands import (
    Adopt,
    AfterAdoption,
    BeginVerification,
    Command,
    Confirm,
    Decide,
    Expire,
    FileObjection,
    RefuseRepair,
    RejectObjection,
    RequestRepair,
    Return,
)
from services.repair.domain.events import EntryAdopted
from services.repair.domain.state import INITIAL, Adopted, NotAdopted, State, evolve, on_list
from services.repair.domain.suspension import suspension_changes
from shared.contracts.event import Event
from shared.decider import Decider
from shared.rejection import reject


def decide(state: State, command: Command, now: datetime) -> Sequence[Event]:
    """The events that follow from a command. Raises Rejected."""
    if isinstance(command, Adopt):
        return _adopt(state, command)
    if isinstance(state, NotAdopted):
        raise reject("unknown_id", "entry_id")
    events = _decided(state, command, now)
    after = reduce(evolve, events, state)
    return [*events, *suspension_changes(state, after, events, command.book)]


def _decided(state: Adopted, command: AfterAdoption, now: datetime) -> Sequence[Event]:
    match command:
        case Expire():
            return acts.expire(state, command, now)
        case RequestRepair():
            return cases.request_repair(on_list(state), command, now)
        case RefuseRepair():
            return cases.refuse_repair(state, command)
        case FileObjection():
            return cases.file_objection(on_list(state), command, now)
        case BeginVerification():
            return cases.begin_verification(state, command)
        case RejectObjection():
            return cases.reject_objection(state, command)
        case Decide():
            return decisions.decide(state, command, now)
        case Confirm():
            return decisions.confirm(state, command, now)
        case Return():
            return decisions.return_(state, command)
        case _:
            assert_never(command)


def _adopt(state: State, command: Adopt) -> Sequence[Event]:
    entry = command.entry
    if isinstance(state, NotAdopted):
        return [
            EntryAdopted(
                entry_id=entry.entry_id,
                entry=entry,
                lawbook_version=command.lawbook_version,
                published_as=command.published_as,
            )
        ]
    if state.published_as != command.published_as and state.entry != entry:
        raise reject("entry_published_twice", entry_id=entry.entry_id)
    return []


ENTRY: Decider[State, Command] = Decider("entry", INITIAL, decide, evolve)
"""Streams `entry-<entry_id>`."""
