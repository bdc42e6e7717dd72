"""The two kinds of cases of an entry: requests for repair (row 15) and objections (rows 16 and 17).

An objection outlives expiry, withdrawal and repair, because it may still show that the listing was wrong from the beginning. A
request for repair does not. No case outlives a revocation. What suspends the entry is published by `suspension`.
"""

from collections.abc import Sequence
from datetime import datetime

from services.repair.domain.acts import corrected, revoked
from services.repair.domain.answerable import require_answerable, require_not_filer
from services.repair.domain.commands import (
    BeginVerification,
    FileObjection,
    RefuseRepair,
    RejectObjection,
    RequestRepair,
)
from services.repair.domain.conditions import earliest_repair
from services.repair.domain.content import Grant, Upholding, case_of
from services.repair.domain.events import (
    ObjectionFiled,
    ObjectionRejected,
    ObjectionUpheld,
    RepairRefused,
    RepairRequested,
    VerificationBegun,
)
from services.repair.domain.receiving import may_receive
from services.repair.domain.state import Adopted, OnList, closed, list_event_head, on_list, open_case
from shared.calendar.working_days import add_working_days, today
from shared.contracts.event import Event
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import Cause, EntryRepaired, Suspends
from shared.contracts.policy import Procedure, SuspensionBegins
from shared.lawbook.book import LawBook
from shared.lawbook.policy import Governing, Question, governing, value_of
from shared.rejection import reject

# --- repair ----------------------------------------------------------------------------------------------------------


def request_repair(state: OnList, command: RequestRepair, now: datetime) -> Sequence[Event]:
    """Raises Rejected: `evidence_missing`, `red_entry_not_repaired`, `repair_is_being_judged` when another request is open."""
    if state.entry.list_kind is ListKind.RED:
        raise reject("red_entry_not_repaired")
    if any(case.open and case.kind == "repair" for case in state.cases.values()):
        raise reject("repair_is_being_judged")
    if not command.evidence.strip():
        raise reject("evidence_missing", "evidence")
    requested = RepairRequested(
        entry_id=state.entry.entry_id,
        case_id=command.case_id,
        reason=command.reason,
        evidence=command.evidence,
        filed_by=command.by.account,
        earliest_on=earliest_repair(state.entry, command.book, today(now)),
    )
    return [requested]


def grant_repair(state: OnList, content: Grant, book: LawBook, now: datetime) -> Sequence[Event]:
    """Row 15: the entry leaves the list, and its effects end from then on. Raises Rejected: `minimum_publicity_not_passed`."""
    open_case(state, content.case_id, "repair")
    earliest = earliest_repair(state.entry, book, today(now))
    if earliest is not None and today(now) < earliest:
        raise reject("minimum_publicity_not_passed", earliest=earliest)
    repaired = EntryRepaired(
        **list_event_head(state.entry, book),
        case_id=content.case_id,
        reason=content.reason,
        document_number=content.document_number,
    )
    return [repaired]


def refuse_repair(state: Adopted, command: RefuseRepair) -> Sequence[Event]:
    """The entry stays on its list; repair may be requested again."""
    _require_decider(state, command)
    open_case(state, command.case_id, "repair")
    return [RepairRefused(entry_id=state.entry.entry_id, case_id=command.case_id, reason=command.reason)]


# --- objection -------------------------------------------------------------------------------------------------------


def file_objection(state: OnList, command: FileObjection, now: datetime) -> Sequence[Event]:
    """Rows 16 and 17, by the policy of the day of filing.

    Raises Rejected: `may_not_receive_objections`, `objection_is_being_verified` while one on the same ground is open,
    `objection_repeated` without new evidence after one on the same ground was rejected.
    """
    entry, day = state.entry, today(now)
    rules = governing(command.book, Question(entry.jurisdiction, entry.domain_id, entry.decision.decided_on, day))
    if not may_receive(entry, command.by.department, rules, command.book, day):
        raise reject("may_not_receive_objections", department=command.by.department)
    same_ground = [case for case in state.cases.values() if case.ground is command.ground]
    if any(case.open for case in same_ground):
        raise reject("objection_is_being_verified", "ground", ground=command.ground)
    repeated = any(case.rejected for case in same_ground)
    if repeated and not command.new_evidence.strip():
        raise reject("objection_repeated", "new_evidence", ground=command.ground)
    suspends = () if repeated or entry.list_kind is ListKind.RED else _suspends(rules.procedure)
    return [_filed(state, command, rules, suspends, now)]


def _suspends(procedure: Procedure) -> tuple[Suspends, ...]:
    """What the policy suspends while a record is verified.

    Where no policy governs, 国发〔2016〕33号 (二十二) applies in the whole state: 联合惩戒措施在信息核实期间暂不执行.
    """
    switches = {
        Suspends.MEASURES: value_of(procedure.suspend_measures_on_objection, otherwise=True),
        Suspends.PUBLICITY: value_of(procedure.suspend_publicity_on_objection, otherwise=False),
        Suspends.SHARING: value_of(procedure.suspend_sharing_on_objection, otherwise=False),
    }
    return tuple(one for one, on in switches.items() if on)


def _filed(
    state: OnList, command: FileObjection, rules: Governing, suspends: tuple[Suspends, ...], now: datetime
) -> ObjectionFiled:
    """The objection, the last day to verify it, and the policy that says so."""
    days = value_of(rules.procedure.objection_verify_days, None)
    ruling = rules.ruling("suspend_measures_on_objection")
    return ObjectionFiled(
        entry_id=state.entry.entry_id,
        case_id=command.case_id,
        reason=command.reason,
        suspends=Suspends.MEASURES in suspends,
        suspends_also=tuple(one for one in suspends if one is not Suspends.MEASURES),
        suspension_begins=value_of(rules.procedure.suspension_begins, SuspensionBegins.FILED),
        ground=command.ground,
        new_evidence=command.new_evidence,
        filed_by=command.by.account,
        received_by=command.by.department,
        verify_by=add_working_days(today(now), days).date if days is not None else None,
        policy_id=ruling.policy.policy_id if ruling else None,
        policy_version=ruling.policy.version if ruling else None,
        lawbook_version=command.book.version,
    )


def begin_verification(state: Adopted, command: BeginVerification) -> Sequence[Event]:
    """Where the policy suspends from the verification on, this suspends. A second time changes nothing."""
    require_answerable(state.entry, command.by, command.book)
    if open_case(state, command.case_id, "objection").verifying:
        return []
    return [VerificationBegun(entry_id=state.entry.entry_id, case_id=command.case_id)]


def uphold_objection(state: Adopted, content: Upholding, book: LawBook) -> Sequence[Event]:
    """The record was wrong: the entry is corrected when changes are given (only while it is on its list), else revoked."""
    open_case(state, content.case_id, "objection")
    upheld = ObjectionUpheld(
        entry_id=state.entry.entry_id,
        case_id=content.case_id,
        reason=content.reason,
        document_number=content.document_number,
        outcome="corrected" if content.changes else "revoked",
    )
    if content.changes is None:
        return [upheld, *revoked(closed(state, content.case_id), content, Cause.OBJECTION_UPHELD, book)]
    return [upheld, corrected(on_list(state), content, Cause.OBJECTION_UPHELD, book)]


def reject_objection(state: Adopted, command: RejectObjection) -> Sequence[Event]:
    """The record was right. Also possible after the entry left its list; then nothing resumes."""
    _require_decider(state, command)
    open_case(state, command.case_id, "objection")
    return [ObjectionRejected(entry_id=state.entry.entry_id, case_id=command.case_id, reason=command.reason)]


def _require_decider(state: Adopted, command: RefuseRepair | RejectObjection) -> None:
    """Raises Rejected: `four_eyes` for the officer who filed the case, `decision_awaits_confirmation` when it was decided."""
    require_answerable(state.entry, command.by, command.book)
    require_not_filer(state, command.case_id, command.by)
    if (awaiting := state.awaiting) is not None and case_of(awaiting.content) == command.case_id:
        raise reject("decision_awaits_confirmation", decision=awaiting.decision_id)
