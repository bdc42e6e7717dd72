"""An entry after its publication: corrected, suspended, resumed, and how it leaves the list. One stream, one writer.

* Revocation ends the effects from the beginning; repair, expiry and withdrawal end them from then on (row 18).
* Suspension is the set of open cases that suspend: the first in suspends, the last out resumes (row 16).
* What has left the list does not come back and is not corrected. One thing is still possible after expiry, withdrawal or
  repair: to revoke it, when it is found (by a court, or in an objection that was open) that it was wrong from the
  beginning. Objections therefore outlive those ends; requests for repair do not, and nothing outlives a revocation.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from enum import StrEnum
from typing import Literal, TypedDict, assert_never, cast

from services.repair.commands import (
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
from services.repair.correction import Changes, correction_faults
from services.repair.events import (
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
from shared.calendar.working_days import SHANGHAI, add_working_days
from shared.contracts.event import EntryId, Event, SubjectKey
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import (
    Cause,
    Entry,
    EntryCorrected,
    EntryEnded,
    EntryRepaired,
    EntryResumed,
    EntryRevoked,
    EntrySuspended,
)
from shared.lawbook.book import LawBook
from shared.lawbook.policy import Question, governing, value_of
from shared.lawbook.terms import last_day
from shared.rejection import reject, reject_all

FROM_THE_BEGINNING = frozenset({Cause.ERROR, Cause.OBJECTION_UPHELD, Cause.RECONSIDERATION, Cause.LITIGATION})
"""Why an entry is revoked or corrected (rows 18 and 29)."""
FROM_THEN_ON = frozenset({Cause.NO_LONGER_QUALIFIES, Cause.WITHDRAWN})
"""Why an entry ends by decision, before its term."""
TERM_PASSED = "期限届满 / The term has passed"

CaseKind = Literal["objection", "repair"]


@dataclass(frozen=True, slots=True)
class Case:
    """An objection or a request for repair."""

    kind: CaseKind
    open: bool = True
    suspends: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """No publication of this entry was read (yet)."""


@dataclass(frozen=True, slots=True)
class OnList:
    """The entry is on its list, with its content as it is now."""

    entry: Entry
    published_as: str
    cases: Mapping[str, Case] = field(default_factory=dict[str, Case])

    @property
    def suspended_by(self) -> frozenset[str]:
        """The open cases that keep the measures from being applied; empty when nothing does."""
        return frozenset(case_id for case_id, case in self.cases.items() if case.open and case.suspends)


@dataclass(frozen=True, slots=True)
class OffList:
    """The entry has left its list."""

    entry: Entry
    published_as: str
    how: HowLeft
    cases: Mapping[str, Case] = field(default_factory=dict[str, Case])


State = Unread | OnList | OffList
INITIAL: State = Unread()


class Status(StrEnum):
    """Where an entry stands, in one word."""

    LISTED = "listed"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    REPAIRED = "repaired"
    ENDED = "ended"


def status_of(state: OnList | OffList) -> Status:
    if isinstance(state, OffList):
        return Status(state.how.value)
    return Status.SUSPENDED if state.suspended_by else Status.LISTED


def decide(state: State, command: Command, now: datetime) -> Sequence[Event]:
    """What follows from a command. Raises Rejected."""
    if isinstance(command, Adopt):
        return _adopt(state, command)
    if isinstance(state, Unread):
        raise reject("unknown_id", "entry_id")
    match command:
        case Expire():
            return _expire(state, command, now)
        case RequestRepair():
            return _request_repair(_on_list(state), command)
        case FileObjection():
            return _file_objection(_on_list(state), command, now)
        case _:
            _answers_for(state.entry, command.by)
            return _by_decision(state, command, now)


def _by_decision(state: OnList | OffList, command: Decision, now: datetime) -> Sequence[Event]:
    match command:
        case Correct():
            return _correct(_on_list(state), command)
        case Revoke():
            return _revoke(state, command)
        case End():
            return _end(_on_list(state), command, now)
        case GrantRepair():
            return _grant(_on_list(state), command)
        case RefuseRepair():
            _open_case(state, command.case_id, "repair")
            return [RepairRefused(entry_id=state.entry.entry_id, case_id=command.case_id, reason=command.reason)]
        case UpholdObjection():
            return _uphold(state, command)
        case RejectObjection():
            return _reject(state, command)
        case _:
            assert_never(command)


def _answers_for(entry: Entry, by: Officer) -> None:
    """Who initiated, decided or published the entry decides what becomes of it; and the credit office."""
    responsible = (entry.initiated_by, entry.decision.decided_by, entry.published_by)
    if not by.credit_office and by.department not in responsible:
        raise reject("forbidden_department")


def _on_list(state: OnList | OffList) -> OnList:
    if isinstance(state, OffList):
        raise reject("entry_has_left_the_list", how=state.how)
    return state


def _open_case(state: OnList | OffList, case_id: str, kind: CaseKind) -> Case:
    case = state.cases.get(case_id)
    if case is None or case.kind != kind:
        raise reject("unknown_id", "case_id")
    if not case.open:
        raise reject("case_is_closed")
    return case


class _Head(TypedDict):
    entry_id: EntryId
    subject: SubjectKey
    lawbook_version: int


def _head(entry: Entry, book: LawBook) -> _Head:
    """What every list event carries."""
    return {"entry_id": entry.entry_id, "subject": entry.subject.key, "lawbook_version": book.version}


# --- adoption and the end of the term --------------------------------------------------------------------------------


def _adopt(state: State, command: Adopt) -> Sequence[Event]:
    entry = command.entry
    if isinstance(state, Unread):
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


def end_of_term(entry: Entry) -> datetime | None:
    """The first instant after the term: the day after its last day begins, in Asia/Shanghai. None when it has no end."""
    end = last_day(entry.term_to)
    if end is None or end == date.max:
        return None
    return datetime.combine(end + timedelta(days=1), time_of_day(), SHANGHAI)


def _expire(state: OnList | OffList, command: Expire, now: datetime) -> Sequence[Event]:
    """Row 14. A timer that does not know of a longer term ends nothing: the term is judged here, at this instant."""
    due = end_of_term(state.entry)
    if isinstance(state, OffList) or due is None or now < due:
        return []
    return _ended(state, command.book, Cause.TERM, TERM_PASSED, due.date())


def _end(state: OnList, command: End, now: datetime) -> Sequence[Event]:
    if command.cause not in FROM_THEN_ON:
        raise reject("cause_does_not_fit", "cause", cause=command.cause)
    return _ended(state, command.book, command.cause, command.reason, now.astimezone(SHANGHAI).date())


def _ended(state: OnList, book: LawBook, cause: Cause, reason: str, day: date) -> Sequence[Event]:
    """`day` is the first day on which the entry is no longer on the list."""
    ended = EntryEnded(**_head(state.entry, book), cause=cause, reason=reason, ended_on=day)
    return [ended, *_lapse(state, HowLeft.ENDED)]


# --- from the beginning ----------------------------------------------------------------------------------------------


def _correct(state: OnList, command: Correct) -> Sequence[Event]:
    if command.cause not in FROM_THE_BEGINNING:
        raise reject("cause_does_not_fit", "cause", cause=command.cause)
    return [_corrected(state, command, command.cause)]


def _corrected(state: OnList, command: Correct | UpholdObjection, cause: Cause) -> EntryCorrected:
    entry = (command.changes or Changes()).applied_to(state.entry)
    reject_all(correction_faults(state.entry, entry, command.book))
    return EntryCorrected(
        **_head(entry, command.book),
        entry=entry,
        cause=cause,
        reason=command.reason,
        document_number=command.document_number,
    )


def _revoke(state: OnList | OffList, command: Revoke) -> Sequence[Event]:
    if command.cause not in FROM_THE_BEGINNING:
        raise reject("cause_does_not_fit", "cause", cause=command.cause)
    return _revoked(state, command, command.cause)


def _revoked(state: OnList | OffList, command: Revoke | UpholdObjection, cause: Cause) -> Sequence[Event]:
    """Also of an entry that was repaired or had ended: its effects until then are still to be undone."""
    if isinstance(state, OffList) and state.how is HowLeft.REVOKED:
        raise reject("entry_has_left_the_list", how=state.how)
    revoked = EntryRevoked(
        **_head(state.entry, command.book),
        cause=cause,
        reason=command.reason,
        document_number=command.document_number,
    )
    return [revoked, *_lapse(state, HowLeft.REVOKED)]


def _lapse(state: OnList | OffList, how: HowLeft) -> Iterator[CaseLapsed]:
    """The open cases that have no object any more: all of them after a revocation, else the requests for repair."""
    for case_id, case in state.cases.items():
        if case.open and (how is HowLeft.REVOKED or case.kind == "repair"):
            yield CaseLapsed(entry_id=state.entry.entry_id, case_id=case_id, because=how)


# --- repair ----------------------------------------------------------------------------------------------------------


def _request_repair(state: OnList, command: RequestRepair) -> Sequence[Event]:
    if state.entry.list_kind is ListKind.RED:
        raise reject("red_entry_not_repaired")
    if any(case.open and case.kind == "repair" for case in state.cases.values()):
        raise reject("repair_is_being_judged")
    requested = RepairRequested(
        entry_id=state.entry.entry_id, case_id=command.case_id, reason=command.reason, evidence=command.evidence
    )
    return [requested]


def _grant(state: OnList, command: GrantRepair) -> Sequence[Event]:
    """Row 15: the entry leaves the list, and its effects end from then on."""
    _open_case(state, command.case_id, "repair")
    repaired = EntryRepaired(
        **_head(state.entry, command.book),
        case_id=command.case_id,
        reason=command.reason,
        document_number=command.document_number,
    )
    return [repaired]


# --- objection -------------------------------------------------------------------------------------------------------


def _file_objection(state: OnList, command: FileObjection, now: datetime) -> Sequence[Event]:
    """Rows 16 and 17. Procedure: the policy of the day of filing. Only punishments are suspended, so never a red entry."""
    entry, today = state.entry, now.astimezone(SHANGHAI).date()
    rules = governing(command.book, Question(entry.jurisdiction, entry.domain_id, entry.decision.decided_on, today))
    # Where no policy governs, 国发〔2016〕33号 (二十二) does, for the whole state: 联合惩戒措施在信息核实期间暂不执行.
    rest = value_of(rules.procedure.suspend_measures_on_objection, otherwise=True)
    suspends = entry.list_kind is not ListKind.RED and rest
    days = value_of(rules.procedure.objection_verify_days, None)
    ruling = rules.ruling("suspend_measures_on_objection")
    filed = ObjectionFiled(
        entry_id=entry.entry_id,
        case_id=command.case_id,
        reason=command.reason,
        suspends=suspends,
        verify_by=add_working_days(today, days).date if days is not None else None,
        policy_id=ruling.policy.policy_id if ruling else None,
        policy_version=ruling.policy.version if ruling else None,
        lawbook_version=command.book.version,
    )
    if not suspends or state.suspended_by:
        return [filed]
    suspended = EntrySuspended(**_head(entry, command.book), case_id=command.case_id, reason=command.reason)
    return [filed, suspended]


def _uphold(state: OnList | OffList, command: UpholdObjection) -> Sequence[Event]:
    _open_case(state, command.case_id, "objection")
    upheld = ObjectionUpheld(
        entry_id=state.entry.entry_id,
        case_id=command.case_id,
        reason=command.reason,
        document_number=command.document_number,
        outcome="corrected" if command.changes else "revoked",
    )
    if command.changes is None:
        closed = evolve(state, upheld)
        return [upheld, *_revoked(cast("OnList | OffList", closed), command, Cause.OBJECTION_UPHELD)]
    on_list = _on_list(state)
    corrected = _corrected(on_list, command, Cause.OBJECTION_UPHELD)
    return [upheld, corrected, *_resume(on_list, command)]


def _reject(state: OnList | OffList, command: RejectObjection) -> Sequence[Event]:
    """Also after the entry has ended; then nothing is resumed."""
    _open_case(state, command.case_id, "objection")
    rejected = ObjectionRejected(entry_id=state.entry.entry_id, case_id=command.case_id, reason=command.reason)
    return [rejected, *(_resume(state, command) if isinstance(state, OnList) else ())]


def _resume(state: OnList, closing: UpholdObjection | RejectObjection) -> Iterator[EntryResumed]:
    """Only when this case is the last that suspends (TRAPS: objection A ends while B is open)."""
    if state.suspended_by == frozenset((closing.case_id,)):
        yield EntryResumed(**_head(state.entry, closing.book), case_id=closing.case_id, reason=closing.reason)


# --- what has happened -----------------------------------------------------------------------------------------------


def evolve(state: State, event: Event) -> State:
    """The state after an event of this stream."""
    happened = cast("EntryHistory", event)
    if isinstance(happened, EntryAdopted):
        return OnList(happened.entry, happened.published_as)
    if isinstance(state, Unread):
        raise ValueError(f"{event.TYPE} of an entry that was never adopted")
    match happened:
        case EntryCorrected():
            return replace(state, entry=happened.entry)
        case ObjectionFiled():
            return _with_case(state, happened.case_id, Case("objection", suspends=happened.suspends))
        case RepairRequested():
            return _with_case(state, happened.case_id, Case("repair"))
        case ObjectionUpheld() | ObjectionRejected() | RepairRefused() | CaseLapsed():
            return _closed(state, happened.case_id)
        case EntryRevoked():
            return _left(state, HowLeft.REVOKED)
        case EntryRepaired():
            return _left(_closed(state, happened.case_id), HowLeft.REPAIRED)
        case EntryEnded():
            return _left(state, HowLeft.ENDED)
        case EntrySuspended() | EntryResumed():
            return state  # follows from the cases
        case _:
            assert_never(happened)


def _with_case(state: OnList | OffList, case_id: str, case: Case) -> OnList | OffList:
    return replace(state, cases={**state.cases, case_id: case})


def _closed(state: OnList | OffList, case_id: str) -> OnList | OffList:
    return _with_case(state, case_id, replace(state.cases[case_id], open=False))


def _left(state: OnList | OffList, how: HowLeft) -> OffList:
    return OffList(state.entry, state.published_as, how, state.cases)
