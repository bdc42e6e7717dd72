"""Whether an entry may stand: judged by the law book on a day, all faults at once.

The same rules judge a form, an entry that waits and a row of a file. Substance is judged by the policy of the day of the
decision (DESIGN section 5); "today" is a date in Asia/Shanghai.
"""

import calendar
from collections.abc import Iterator
from datetime import date
from typing import Protocol

from shared.contracts.event import DepartmentId, DomainId
from shared.contracts.lawbook import Domain, ListKind, Policy
from shared.contracts.listing import Decision, Notice
from shared.lawbook.book import LawBook
from shared.rejection import Fault
from shared.working_days import add_working_days

NO_END = frozenset({date(2999, 12, 31), date(9999, 12, 31)})
"""What other systems write when a term has no end."""

_REGION_DIGITS = 6


class Judged(Protocol):
    """What the rules look at; a form and an entry both have it. Who the subject is, is judged by `shared.identity`."""

    @property
    def list_kind(self) -> ListKind: ...
    @property
    def domain_id(self) -> DomainId: ...
    @property
    def grade(self) -> str | None: ...
    @property
    def initiated_by(self) -> DepartmentId: ...
    @property
    def decision(self) -> Decision: ...
    @property
    def notice(self) -> Notice | None: ...
    @property
    def jurisdiction(self) -> str: ...
    @property
    def term_from(self) -> date: ...
    @property
    def term_to(self) -> date | None: ...
    @property
    def public(self) -> bool: ...


def judge(entry: Judged, book: LawBook, today: date) -> list[Fault]:
    """Everything that is wrong with the entry; nothing when it may be published on this day."""
    policy = book.policy_for(entry.jurisdiction, entry.domain_id, entry.decision.decided_on)
    return [
        *_place(entry, book),
        *_decision(entry, book, today),
        *_term(entry, policy),
        *_hearing(entry, policy, today),
    ]


def term_end(day: date | None) -> date | None:
    """The last day of a term; none for a date that means no end."""
    return None if day in NO_END else day


def publishers(domain: Domain) -> tuple[DepartmentId, ...]:
    """The departments that may approve and publish in a domain (004 四(二): not always those that list)."""
    return domain.may_publish or domain.may_list


def _place(entry: Judged, book: LawBook) -> Iterator[Fault]:
    """Which list of which domain and region, and whether this department may list there."""
    if entry.initiated_by not in book.departments:
        yield Fault("unknown_department", "initiated_by", {"department": entry.initiated_by})
    if not (
        len(entry.jurisdiction) == _REGION_DIGITS and entry.jurisdiction.isascii() and entry.jurisdiction.isdigit()
    ):
        yield Fault("jurisdiction_not_a_region", "jurisdiction")
    if entry.list_kind is ListKind.WATCH and entry.public:
        yield Fault("watch_entry_public", "public")
    domain = book.domain(entry.domain_id)
    if domain is None:
        yield Fault("unknown_domain", "domain_id")
        return
    if entry.list_kind not in domain.lists:
        yield Fault("list_not_kept", "list_kind", {"list": entry.list_kind, "kept": list(domain.lists)})
    if entry.initiated_by in book.departments and entry.initiated_by not in domain.may_list:
        yield Fault("may_not_list", "domain_id", {"domain": domain.domain_id})
    yield from _grade(entry, domain)


def _grade(entry: Judged, domain: Domain) -> Iterator[Fault]:
    """Where a domain has grades (失信等级), a black entry has one of them (002 三(三))."""
    codes = [grade.code for grade in domain.grades]
    if entry.grade is None:
        if codes and entry.list_kind is ListKind.BLACK:
            yield Fault("grade_missing", "grade", {"grades": codes})
    elif entry.grade not in codes:
        yield Fault("grade_unknown", "grade", {"grades": codes})


def _decision(entry: Judged, book: LawBook, today: date) -> Iterator[Fault]:
    """A named authority decided on a named basis, and not in the future (国办发〔2020〕49号: fact, basis, authority)."""
    decision = entry.decision
    if not decision.document_number.strip():
        yield Fault("document_number_missing", "decision.document_number")
    if not decision.legal_basis.strip():
        yield Fault("missing_basis", "decision.legal_basis")
    if not decision.facts.strip():
        yield Fault("field_missing", "decision.facts")
    if decision.decided_by != entry.initiated_by and decision.decided_by not in book.departments:
        yield Fault("unknown_department", "decision.decided_by", {"department": decision.decided_by})
    if decision.decided_on > today:
        yield Fault("date_in_future", "decision.decided_on", {"date": decision.decided_on})
    if decision.act_ended_on is not None and decision.act_ended_on > decision.decided_on:
        yield Fault("act_ends_after_decision", "decision.act_ended_on", {"decided_on": decision.decided_on})


def _term(entry: Judged, policy: Policy | None) -> Iterator[Fault]:
    """The term begins before it ends, and is no longer than the policy allows (row 14)."""
    if entry.term_to is not None and entry.term_to < entry.term_from:
        yield Fault("end_before_start", "term_to")
    elif policy is not None and policy.longest_term_months is not None:
        latest = months_after(entry.term_from, policy.longest_term_months)
        if entry.term_to is None or entry.term_to > latest:
            yield Fault("term_too_long", "term_to", {"months": policy.longest_term_months, "latest": latest})


def _hearing(entry: Judged, policy: Policy | None, today: date) -> Iterator[Fault]:
    """Where the policy asks for it, nobody is black-listed before notice and before the plea window is over (N5)."""
    notice = entry.notice
    if notice is not None:
        if notice.served_on > today:
            yield Fault("date_in_future", "notice.served_on", {"date": notice.served_on})
        if notice.plea_until < notice.served_on:
            yield Fault("end_before_start", "notice.plea_until")
    if policy is None or not policy.notice_before_listing or entry.list_kind is not ListKind.BLACK:
        return
    if notice is None:
        yield Fault("notice_missing", "notice")
        return
    earliest = add_working_days(notice.served_on, policy.plea_working_days).date
    if notice.plea_until < earliest:
        facts: dict[str, object] = {"days": policy.plea_working_days, "earliest": earliest}
        yield Fault("plea_window_too_short", "notice.plea_until", facts)
    # The last day of the window belongs to the subject: the decision is of a later day.
    over = max(earliest, notice.plea_until)
    if entry.decision.decided_on <= over:
        yield Fault("decided_before_plea_ended", "decision.decided_on", {"plea_until": over})


def months_after(day: date, months: int) -> date:
    """The same day so many months later; the last of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
