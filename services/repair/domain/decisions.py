"""Four eyes on leaving the list: an officer decides, another one confirms, and only then anything takes effect.

* What ends something needs two officers: a revocation, an ending, a repair, an upheld objection, a correction that may end
  measures. Any other correction takes effect at once. The end of the term, a refusal and a rejection need no confirmation.
* The content is tested when it is decided and again when it is confirmed, by the law book of that moment.
* One decision awaits confirmation at a time. Until then it suspends the punishments of an entry on its list.
* Accounts are compared case-folded. The officer who filed a case neither decides nor confirms it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from services.repair.domain import acts, cases
from services.repair.domain.answerable import require_answerable, require_confirmer, require_not_filer
from services.repair.domain.commands import Confirm, Decide, Return
from services.repair.domain.content import Content, Correction, Ending, Grant, Revocation, Upholding
from services.repair.domain.correction import may_end_measures
from services.repair.domain.events import DecisionConfirmed, DecisionMade, DecisionReturned
from services.repair.domain.state import Adopted, Awaiting, OnList, on_list
from shared.contracts.event import DepartmentId, Event
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import EntryCorrected, Suspends
from shared.lawbook.book import LawBook
from shared.rejection import reject
from shared.trust.principal import same_account


def decide(state: Adopted, command: Decide, now: datetime) -> Sequence[Event]:
    """The decision, or what follows at once from a correction that ends nothing.

    Raises Rejected: `forbidden_department`, `outside_responsibility`, `four_eyes`, `decision_awaits_confirmation`, and every
    fault of the content.
    """
    content = command.content
    require_answerable(state.entry, command.by, command.book)
    require_not_filer(state, content, command.by)
    following = effects(state, content, command.book, now)
    ends = _ends_something(state, following)
    if isinstance(content, Correction) and not ends:
        return following
    if state.awaiting is not None:
        raise reject("decision_awaits_confirmation", decision=state.awaiting.decision_id)
    made = DecisionMade(
        entry_id=state.entry.entry_id,
        decision_id=command.decision_id,
        content=content,
        account=command.by.account,
        department=_department(command.by.department),
        suspends=(Suspends.MEASURES,) if ends and _has_punishments(state) else (),
        lawbook_version=command.book.version,
    )
    return [made]


def confirm(state: Adopted, command: Confirm, now: datetime) -> Sequence[Event]:
    """The decision takes effect. Raises Rejected: `decision_is_closed`, `forbidden_department`, `outside_responsibility`,
    `four_eyes`, and every fault that the content has by now."""
    awaiting = _awaiting(state, command.decision_id)
    require_confirmer(state.entry, awaiting.department, command.by, command.book)
    require_not_filer(state, awaiting.content, command.by)
    if same_account(command.by.account, awaiting.account):
        raise reject("four_eyes")
    confirmed = DecisionConfirmed(
        entry_id=state.entry.entry_id,
        decision_id=command.decision_id,
        kind=awaiting.content.kind,
        account=command.by.account,
        department=_department(command.by.department),
    )
    return [confirmed, *effects(state, awaiting.content, command.book, now)]


def return_(state: Adopted, command: Return) -> Sequence[Event]:
    """The decision has no effect. Also by the officer who made it: that withdraws it.

    Raises Rejected: `decision_is_closed`, `forbidden_department`, `outside_responsibility`, `four_eyes`.
    """
    awaiting = _awaiting(state, command.decision_id)
    require_confirmer(state.entry, awaiting.department, command.by, command.book)
    require_not_filer(state, awaiting.content, command.by)
    returned = DecisionReturned(
        entry_id=state.entry.entry_id,
        decision_id=command.decision_id,
        reason=command.reason,
        account=command.by.account,
        department=_department(command.by.department),
    )
    return [returned]


def effects(state: Adopted, content: Content, book: LawBook, now: datetime) -> Sequence[Event]:
    """What follows from the content when it takes effect now. Raises Rejected with every fault."""
    match content:
        case Correction():
            return acts.correct(on_list(state), content, book)
        case Revocation():
            return acts.revoke(state, content, book)
        case Ending():
            return acts.end(on_list(state), content, book, now)
        case Grant():
            return cases.grant_repair(on_list(state), content, book, now)
        case Upholding():
            return cases.uphold_objection(state, content, book)
        case _:
            assert_never(content)


def _ends_something(state: Adopted, following: Sequence[Event]) -> bool:
    """Everything but a correction removes the entry from its list, or undoes what it did on it."""
    correction = next((event for event in following if isinstance(event, EntryCorrected)), None)
    return correction is None or may_end_measures(state.entry, correction.entry)


def _has_punishments(state: Adopted) -> bool:
    """Rewards are never suspended, and off the list there is nothing to suspend (row 16)."""
    return isinstance(state, OnList) and state.entry.list_kind is not ListKind.RED


def _awaiting(state: Adopted, decision_id: str) -> Awaiting:
    if state.awaiting is None or state.awaiting.decision_id != decision_id:
        raise reject("decision_is_closed")
    return state.awaiting


def _department(department: DepartmentId | None) -> DepartmentId:
    if department is None:
        raise reject("forbidden_department")
    return department
