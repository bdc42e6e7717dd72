"""The aggregate of this service: an entry after its publication. One stream, one writer.

* Revocation ends the effects from the beginning; repair, expiry and withdrawal end them from then on (row 18).
* Suspension is the set of open cases that suspend: the first one suspends, the last one to close resumes (row 16).
* An entry that has left its list does not return and is not corrected. It can only be revoked.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from services.repair.domain import acts, cases
from services.repair.domain.commands import (
    Adopt,
    Command,
    Correct,
    Decision,
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
from services.repair.domain.events import EntryAdopted
from services.repair.domain.state import INITIAL, Adopted, NotAdopted, State, evolve, on_list
from shared.contracts.event import Event
from shared.contracts.listing import Entry
from shared.decider import Decider
from shared.lawbook.book import LawBook
from shared.lawbook.responsibility import is_credit_office_for
from shared.rejection import reject


def decide(state: State, command: Command, now: datetime) -> Sequence[Event]:
    """The events that follow from a command. Raises Rejected."""
    if isinstance(command, Adopt):
        return _adopt(state, command)
    if isinstance(state, NotAdopted):
        raise reject("unknown_id", "entry_id")
    match command:
        case Expire():
            return acts.expire(state, command, now)
        case RequestRepair():
            return cases.request_repair(on_list(state), command)
        case FileObjection():
            return cases.file_objection(on_list(state), command, now)
        case _:
            _require_responsible(state.entry, command.by, command.book)
            return _decide_as_responsible(state, command, now)


def _decide_as_responsible(state: Adopted, command: Decision, now: datetime) -> Sequence[Event]:
    match command:
        case Correct():
            return acts.correct(on_list(state), command)
        case Revoke():
            return acts.revoke(state, command)
        case End():
            return acts.end(on_list(state), command, now)
        case GrantRepair():
            return cases.grant_repair(on_list(state), command)
        case RefuseRepair():
            return cases.refuse_repair(state, command)
        case UpholdObjection():
            return cases.uphold_objection(state, command)
        case RejectObjection():
            return cases.reject_objection(state, command)
        case _:
            assert_never(command)


def _require_responsible(entry: Entry, by: Officer, book: LawBook) -> None:
    """The department that initiated, decided or published the entry decides about it.

    So does a credit office that is responsible for the entry's jurisdiction: `outside_responsibility` for one that is not.
    """
    if by.department in (entry.initiated_by, entry.decision.decided_by, entry.published_by):
        return
    if not by.credit_office:
        raise reject("forbidden_department")
    if not is_credit_office_for(book, by.department, entry.jurisdiction):
        raise reject("outside_responsibility", region=entry.jurisdiction, department=by.department)


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
