"""The state of an entry after its publication, and how each event changes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal, TypedDict, assert_never, cast

from services.repair.domain.content import Content
from services.repair.domain.events import (
    CaseLapsed,
    DecisionMade,
    EntryAdopted,
    EntryHistory,
    Ground,
    HowLeft,
    ObjectionFiled,
    ObjectionRejected,
    ObjectionUpheld,
    OfCase,
    OfDecision,
    RepairRefused,
    RepairRequested,
    VerificationBegun,
)
from shared.contracts.event import DepartmentId, EntryId, Event, SubjectKey
from shared.contracts.listing import (
    Entry,
    EntryCorrected,
    EntryEnded,
    EntryRepaired,
    EntryResumed,
    EntryRevoked,
    EntrySuspended,
    Suspends,
)
from shared.contracts.policy import SuspensionBegins
from shared.lawbook.book import LawBook
from shared.rejection import reject

CaseKind = Literal["objection", "repair"]


@dataclass(frozen=True, slots=True)
class Case:
    """An objection or a request for repair."""

    kind: CaseKind
    reason: str
    filed_by: str
    """The account that filed it; empty when it was not recorded."""
    received_by: DepartmentId | None = None
    suspends: frozenset[Suspends] = frozenset()
    """What is suspended while it is open, once the suspension has begun."""
    suspending: bool = False
    """Whether the suspension has begun: at filing, or with the verification."""
    verifying: bool = False
    ground: Ground | None = None
    """Of an objection."""
    open: bool = True
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class Awaiting:
    """A decision that awaits confirmation (决定待确认)."""

    decision_id: str
    content: Content
    account: str
    department: DepartmentId
    suspends: frozenset[Suspends]


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
    awaiting: Awaiting | None = None
    suspended: frozenset[Suspends] = frozenset()
    """What the last published suspension suspends; empty when the entry is not suspended."""


@dataclass(frozen=True, slots=True)
class OffList:
    """The entry has left its list."""

    entry: Entry
    published_as: str
    how: HowLeft
    cases: Mapping[str, Case] = field(default_factory=dict[str, Case])
    awaiting: Awaiting | None = None


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
    return Status.SUSPENDED if state.suspended else Status.LISTED


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
    if isinstance(happened, OfCase):
        return _with_case(state, happened.case_id, _case_after(state, happened))
    if isinstance(happened, OfDecision):
        return replace(state, awaiting=_awaiting(happened) if isinstance(happened, DecisionMade) else None)
    match happened:
        case EntryCorrected():
            return replace(state, entry=happened.entry)
        case EntryRevoked():
            return _left(state, HowLeft.REVOKED)
        case EntryRepaired():
            return _left(closed(state, happened.case_id), HowLeft.REPAIRED)
        case EntryEnded():
            return _left(state, HowLeft.ENDED)
        case EntrySuspended():
            return _suspended(state, frozenset(happened.suspends))
        case EntryResumed():
            return _suspended(state, frozenset())
        case _:
            assert_never(happened)


def _case_after(state: Adopted, happened: OfCase) -> Case:
    match happened:
        case ObjectionFiled():
            return _objection(happened)
        case RepairRequested():
            return Case("repair", happened.reason, happened.filed_by)
        case VerificationBegun():
            return replace(state.cases[happened.case_id], suspending=True, verifying=True)
        case ObjectionRejected():
            return replace(state.cases[happened.case_id], open=False, rejected=True)
        case ObjectionUpheld() | RepairRefused() | CaseLapsed():
            return replace(state.cases[happened.case_id], open=False)
        case _:
            assert_never(happened)


def closed(state: Adopted, case_id: str) -> Adopted:
    """The state with this case closed."""
    return _with_case(state, case_id, replace(state.cases[case_id], open=False))


def _with_case(state: Adopted, case_id: str, case: Case) -> Adopted:
    return replace(state, cases={**state.cases, case_id: case})


def _objection(filed: ObjectionFiled) -> Case:
    measures = {Suspends.MEASURES} if filed.suspends else set[Suspends]()
    return Case(
        kind="objection",
        reason=filed.reason,
        filed_by=filed.filed_by,
        received_by=filed.received_by,
        suspends=frozenset(measures | set(filed.suspends_also)),
        suspending=filed.suspension_begins is SuspensionBegins.FILED,
        ground=filed.ground,
    )


def _awaiting(made: DecisionMade) -> Awaiting:
    return Awaiting(made.decision_id, made.content, made.account, made.department, frozenset(made.suspends))


def _suspended(state: Adopted, suspended: frozenset[Suspends]) -> Adopted:
    return replace(state, suspended=suspended) if isinstance(state, OnList) else state


def _left(state: Adopted, how: HowLeft) -> OffList:
    return OffList(state.entry, state.published_as, how, state.cases, state.awaiting)
