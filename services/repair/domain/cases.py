"""The two kinds of cases of an entry: requests for repair (row 15) and objections (rows 16 and 17).

The measures are suspended while at least one open case suspends: the first such case suspends, closing the last one resumes.
An objection outlives expiry, withdrawal and repair, because it may still show that the listing was wrong from the beginning. A
request for repair does not. No case outlives a revocation.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from services.repair.domain.acts import corrected, revoked
from services.repair.domain.commands import (
    FileObjection,
    GrantRepair,
    RefuseRepair,
    RejectObjection,
    RequestRepair,
    UpholdObjection,
)
from services.repair.domain.events import (
    ObjectionFiled,
    ObjectionRejected,
    ObjectionUpheld,
    RepairRefused,
    RepairRequested,
)
from services.repair.domain.state import Adopted, OnList, closed, list_event_head, on_list, open_case
from shared.calendar.working_days import add_working_days, today
from shared.contracts.event import Event
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import Cause, EntryRepaired, EntryResumed, EntrySuspended
from shared.lawbook.policy import Question, governing, value_of
from shared.rejection import reject

# --- repair ----------------------------------------------------------------------------------------------------------


def request_repair(state: OnList, command: RequestRepair) -> Sequence[Event]:
    """Raises Rejected: `red_entry_not_repaired`, `repair_is_being_judged` when another request is open."""
    if state.entry.list_kind is ListKind.RED:
        raise reject("red_entry_not_repaired")
    if any(case.open and case.kind == "repair" for case in state.cases.values()):
        raise reject("repair_is_being_judged")
    requested = RepairRequested(
        entry_id=state.entry.entry_id, case_id=command.case_id, reason=command.reason, evidence=command.evidence
    )
    return [requested]


def grant_repair(state: OnList, command: GrantRepair) -> Sequence[Event]:
    """Row 15: the entry leaves the list, and its effects end from then on."""
    open_case(state, command.case_id, "repair")
    repaired = EntryRepaired(
        **list_event_head(state.entry, command.book),
        case_id=command.case_id,
        reason=command.reason,
        document_number=command.document_number,
    )
    return [repaired]


def refuse_repair(state: Adopted, command: RefuseRepair) -> Sequence[Event]:
    """The entry stays on its list; repair may be requested again."""
    open_case(state, command.case_id, "repair")
    return [RepairRefused(entry_id=state.entry.entry_id, case_id=command.case_id, reason=command.reason)]


# --- objection -------------------------------------------------------------------------------------------------------


def file_objection(state: OnList, command: FileObjection, now: datetime) -> Sequence[Event]:
    """Rows 16 and 17, by the policy of the day of filing. Only punishments are suspended, so never those of a red entry."""
    filed = _filed(state, command, now)
    if not filed.suspends or state.suspended_by:
        return [filed]
    head = list_event_head(state.entry, command.book)
    return [filed, EntrySuspended(**head, case_id=command.case_id, reason=command.reason)]


def _filed(state: OnList, command: FileObjection, now: datetime) -> ObjectionFiled:
    """Whether the objection suspends, the last day to verify it, and the policy that says so."""
    entry, day = state.entry, today(now)
    rules = governing(command.book, Question(entry.jurisdiction, entry.domain_id, entry.decision.decided_on, day))
    # Where no policy governs, 国发〔2016〕33号 (二十二) applies in the whole state: 联合惩戒措施在信息核实期间暂不执行.
    policy_suspends = value_of(rules.procedure.suspend_measures_on_objection, otherwise=True)
    days = value_of(rules.procedure.objection_verify_days, None)
    ruling = rules.ruling("suspend_measures_on_objection")
    return ObjectionFiled(
        entry_id=entry.entry_id,
        case_id=command.case_id,
        reason=command.reason,
        suspends=entry.list_kind is not ListKind.RED and policy_suspends,
        verify_by=add_working_days(day, days).date if days is not None else None,
        policy_id=ruling.policy.policy_id if ruling else None,
        policy_version=ruling.policy.version if ruling else None,
        lawbook_version=command.book.version,
    )


def uphold_objection(state: Adopted, command: UpholdObjection) -> Sequence[Event]:
    """The record was wrong: the entry is corrected when changes are given (only while it is on its list), else revoked."""
    open_case(state, command.case_id, "objection")
    upheld = ObjectionUpheld(
        entry_id=state.entry.entry_id,
        case_id=command.case_id,
        reason=command.reason,
        document_number=command.document_number,
        outcome="corrected" if command.changes else "revoked",
    )
    if command.changes is None:
        return [upheld, *revoked(closed(state, command.case_id), command, Cause.OBJECTION_UPHELD)]
    listed = on_list(state)
    correction = corrected(listed, command, Cause.OBJECTION_UPHELD)
    return [upheld, correction, *_resumed(listed, command)]


def reject_objection(state: Adopted, command: RejectObjection) -> Sequence[Event]:
    """The record was right. Also possible after the entry left its list; then nothing resumes."""
    open_case(state, command.case_id, "objection")
    rejected = ObjectionRejected(entry_id=state.entry.entry_id, case_id=command.case_id, reason=command.reason)
    return [rejected, *(_resumed(state, command) if isinstance(state, OnList) else ())]


def _resumed(state: OnList, closing: UpholdObjection | RejectObjection) -> Iterator[EntryResumed]:
    """Only when this case is the last that suspends: closing objection A resumes nothing while objection B is open."""
    if state.suspended_by == frozenset((closing.case_id,)):
        head = list_event_head(state.entry, closing.book)
        yield EntryResumed(**head, case_id=closing.case_id, reason=closing.reason)
