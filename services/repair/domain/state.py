"""The state of an entry after its publication, and how each event changes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal, TypedDict, assert_never, cast

from services.repair.domain.events import (
    CaseLapsed,
    EntryAdopted,
    EntryHistory,
    HowLeft,
    ObjectionFiled,
    ObjectionRejected,
    ObjectionUpheld,
    RepairRefused,
    RepairRequested,
)
from shared.contracts.event import EntryId, Event, SubjectKey
from shared.contracts.listing import (
    Entry,
    EntryCorrected,
    EntryEnded,
    EntryRepaired,
    EntryResumed,
    EntryRevoked,
    EntrySuspended,
)
from shared.lawbook.book import LawBook
from shared.rejection import reject

CaseKind = Literal["objection", "repair"]


@dataclass(frozen=True, slots=True)
class Case:
    """An objection or a request for repair."""

    kind: CaseKind
    open: bool = True
    suspends: bool = False


@dataclass(frozen=True, slots=True)
class NotAdopted:
    """This service has not read the publication of the entry (yet)."""


@dataclass(frozen=True, slots=True)
class OnList:
    """The entry is on its list, with its current content."""

    entry: Entry
    published_as: str
    """The id of the event that published the entry."""
    cases: Mapping[str, Case] = field(default_factory=dict[str, Case])
    """Case id → case."""

    @property
    def suspended_by(self) -> frozenset[str]:
        """The ids of the open cases that suspend the measures; empty when the entry is not suspended."""
        return frozenset(case_id for case_id, case in self.cases.items() if case.open and case.suspends)


@dataclass(frozen=True, slots=True)
class OffList:
    """The entry has left its list."""

    entry: Entry
    published_as: str
    how: HowLeft
    cases: Mapping[str, Case] = field(default_factory=dict[str, Case])


Adopted = OnList | OffList
State = NotAdopted | Adopted
INITIAL: State = NotAdopted()


class Status(StrEnum):
    """The state of an entry, in one word."""

    LISTED = "listed"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    REPAIRED = "repaired"
    ENDED = "ended"


def status_of(state: Adopted) -> Status:
    """The status of an adopted entry."""
    if isinstance(state, OffList):
        return Status(state.how.value)
    return Status.SUSPENDED if state.suspended_by else Status.LISTED


# --- what a command requires -----------------------------------------------------------------------------------------


def on_list(state: Adopted) -> OnList:
    """The state of an entry that is still on its list. Raises Rejected: `entry_has_left_the_list`."""
    if isinstance(state, OffList):
        raise reject("entry_has_left_the_list", how=state.how)
    return state


def open_case(state: Adopted, case_id: str, kind: CaseKind) -> Case:
    """The open case with this id. Raises Rejected: `unknown_id` when no case of this kind has it, `case_is_closed`."""
    case = state.cases.get(case_id)
    if case is None or case.kind != kind:
        raise reject("unknown_id", "case_id")
    if not case.open:
        raise reject("case_is_closed")
    return case


class ListEventHead(TypedDict):
    """The fields that every list event has."""

    entry_id: EntryId
    subject: SubjectKey
    lawbook_version: int


def list_event_head(entry: Entry, book: LawBook) -> ListEventHead:
    """The common fields of a list event that is decided by this version of the law book."""
    return {"entry_id": entry.entry_id, "subject": entry.subject.key, "lawbook_version": book.version}


# --- how events change it --------------------------------------------------------------------------------------------


def evolve(state: State, event: Event) -> State:
    """The state after an event of this stream. Raises ValueError when the first event is not the adoption."""
    happened = cast("EntryHistory", event)
    if isinstance(happened, EntryAdopted):
        return OnList(happened.entry, happened.published_as)
    if isinstance(state, NotAdopted):
        raise ValueError(f"{event.TYPE} of an entry that was never adopted")
    match happened:
        case EntryCorrected():
            return replace(state, entry=happened.entry)
        case ObjectionFiled():
            return _with_case(state, happened.case_id, Case("objection", suspends=happened.suspends))
        case RepairRequested():
            return _with_case(state, happened.case_id, Case("repair"))
        case ObjectionUpheld() | ObjectionRejected() | RepairRefused() | CaseLapsed():
            return closed(state, happened.case_id)
        case EntryRevoked():
            return _left(state, HowLeft.REVOKED)
        case EntryRepaired():
            return _left(closed(state, happened.case_id), HowLeft.REPAIRED)
        case EntryEnded():
            return _left(state, HowLeft.ENDED)
        case EntrySuspended() | EntryResumed():
            return state  # follows from the cases
        case _:
            assert_never(happened)


def closed(state: Adopted, case_id: str) -> Adopted:
    """The state with this case closed."""
    return _with_case(state, case_id, replace(state.cases[case_id], open=False))


def _with_case(state: Adopted, case_id: str, case: Case) -> Adopted:
    return replace(state, cases={**state.cases, case_id: case})


def _left(state: Adopted, how: HowLeft) -> OffList:
    return OffList(state.entry, state.published_as, how, state.cases)
