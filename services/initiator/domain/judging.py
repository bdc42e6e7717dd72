"""Whether an entry may stand: judged by the law book on a day, all faults at once.

The same rules judge a form, an entry that waits and a row of a file. Substance is judged by the policy of the day of the
decision (DESIGN section 5); "today" is a date in Asia/Shanghai.
"""

import calendar
from collections.abc import Iterator
from datetime import date
from typing import Protocol

from shared.contracts.event import DepartmentId, DomainId
from shared.contracts.lawbook import Domain, ListKind
from shared.contracts.listing import Decision, Notice, Origin
from shared.contracts.policy import ThirdPartyLists
from shared.lawbook.book import LawBook
from shared.lawbook.policy import Governing, Question, governing, value_of
from shared.rejection import Fault, Named
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
    @property
    def origin(self) -> Origin: ...


def judge(entry: Judged, book: LawBook, today: date) -> list[Fault]:
    """Everything that is wrong with the entry; nothing when it may be published on this day."""
    decided_on = entry.decision.decided_on
    rules = governing(book, Question(entry.jurisdiction, entry.domain_id, decided_on, decided_on))
    return [
        *_place(entry, book, rules),
        *_decision(entry, book, today),
        *_term(entry, rules),
        *_hearing(entry, rules, today),
    ]


def term_end(day: date | None) -> date | None:
    """The last day of a term; none for a date that means no end."""
    return None if day in NO_END else day


def publishers(domain: Domain) -> tuple[DepartmentId, ...]:
    """The departments that may approve and publish in a domain (004 四(二): not always those that list)."""
    return domain.may_publish or domain.may_list


def deciders(domain: Domain) -> tuple[DepartmentId, ...]:
    """The departments whose decisions a listing in a domain may rest on."""
    return domain.may_decide or domain.may_list


def _place(entry: Judged, book: LawBook, rules: Governing) -> Iterator[Fault]:
    """Which list of which domain and region, and whether this department may list there."""
    if entry.initiated_by not in book.departments:
        yield Fault("unknown_department", "initiated_by", {"department": entry.initiated_by})
    if not (
        len(entry.jurisdiction) == _REGION_DIGITS and entry.jurisdiction.isascii() and entry.jurisdiction.isdigit()
    ):
        yield Fault("jurisdiction_not_a_region", "jurisdiction")
    if entry.list_kind is ListKind.WATCH and entry.public:
        yield Fault("watch_entry_public", "public")
    # 001 15 publishes lists of third parties on the website; everywhere else they are handed to departments to refer to.
    to_website = value_of(rules.procedure.third_party_lists, ThirdPartyLists.GOVERNMENT) is ThirdPartyLists.WEBSITE
    if entry.origin is Origin.THIRD_PARTY and entry.public and not to_website:
        yield Fault("third_party_entry_public", "public")
    domain = book.domain(entry.domain_id)
    if domain is None:
        yield Fault("unknown_domain", "domain_id")
        return
    if entry.list_kind not in domain.lists:
        yield Fault("list_not_kept", "list_kind", {"list": entry.list_kind, "kept": list(domain.lists)})
    if entry.initiated_by in book.departments and entry.initiated_by not in domain.may_list:
        yield Fault("may_not_list", "domain_id", {"domain": Named(domain.domain_id, domain.name_zh, domain.name_en)})
    yield from _grade(entry, domain, rules)


def _grade(entry: Judged, domain: Domain, rules: Governing) -> Iterator[Fault]:
    """Where a domain has grades (失信等级), a black entry has one of them; each leads to the list that the policy of the
    jurisdiction says, if to any (002 三(三), 004 三(二))."""
    tiers = {tier.code: tier for tier in value_of(rules.substance.grades, ())}
    tier = tiers.get(entry.grade or "")
    if tier is not None and tier.list_kind is not entry.list_kind and entry.list_kind is not ListKind.RED:
        facts: dict[str, object] = {"grade": Named(tier.code, tier.name_zh, tier.name_en), "list": entry.list_kind}
        yield Fault("grade_leads_elsewhere", "grade", facts)
    codes = list(dict.fromkeys([*(grade.code for grade in domain.grades), *tiers]))
    if entry.grade is None:
        if domain.grades and entry.list_kind is ListKind.BLACK:
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
    domain = book.domain(entry.domain_id)
    if domain is not None and not _may_decide(entry, book, domain):
        named = Named(domain.domain_id, domain.name_zh, domain.name_en)
        facts: dict[str, object] = {"domain": named, "department": decision.decided_by}
        yield Fault("may_not_decide", "decision.decided_by", facts)
    if decision.decided_on > today:
        yield Fault("date_in_future", "decision.decided_on", {"date": decision.decided_on})
    if decision.act_ended_on is not None and decision.act_ended_on > decision.decided_on:
        yield Fault("act_ends_after_decision", "decision.act_ended_on", {"decided_on": decision.decided_on})


def _may_decide(entry: Judged, book: LawBook, domain: Domain) -> bool:
    """False for a known department that the domain does not name; of one that may not even list, that is said already."""
    decider = entry.decision.decided_by
    if decider not in book.departments or decider in deciders(domain):
        return True
    return decider == entry.initiated_by and decider not in domain.may_list


def _term(entry: Judged, rules: Governing) -> Iterator[Fault]:
    """The term begins before it ends, and is no longer than the policy allows (row 14)."""
    if entry.term_to is not None and entry.term_to < entry.term_from:
        yield Fault("end_before_start", "term_to")
    elif (longest := value_of(rules.substance.longest_term_months, None)) is not None:
        latest = months_after(entry.term_from, longest)
        if entry.term_to is None or entry.term_to > latest:
            yield Fault("term_too_long", "term_to", {"months": longest, "latest": latest})


def _hearing(entry: Judged, rules: Governing, today: date) -> Iterator[Fault]:
    """Where the policy asks for it, nobody is black-listed before notice and before the plea window is over (N5)."""
    notice = entry.notice
    if notice is not None:
        if notice.served_on > today:
            yield Fault("date_in_future", "notice.served_on", {"date": notice.served_on})
        if notice.plea_until < notice.served_on:
            yield Fault("end_before_start", "notice.plea_until")
    asked_for = value_of(rules.procedure.notice_before_listing, otherwise=False)
    if not asked_for or entry.list_kind is not ListKind.BLACK:
        return
    if notice is None:
        yield Fault("notice_missing", "notice")
        return
    days = value_of(rules.procedure.plea_working_days, 0)
    earliest = add_working_days(notice.served_on, days).date
    if notice.plea_until < earliest:
        facts: dict[str, object] = {"days": days, "earliest": earliest}
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
