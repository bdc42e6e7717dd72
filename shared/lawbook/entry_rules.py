"""The rules of a list entry, each in one place: list, grade, term, publicity, decision, notice.

The initiator applies all of them to a form, a waiting entry and a row of a file. Repair applies those that a correction touches.
A rule yields every fault that it finds, with the field of the entry. Substance follows the policy of the day of the decision,
procedure the policy of the day of the procedural act (实体从旧、程序从新). "Today" is a date in Asia/Shanghai.
"""

from collections.abc import Iterator
from datetime import date
from typing import Protocol

from shared.calendar.working_days import add_working_days
from shared.contracts.directory import is_region_code
from shared.contracts.event import DepartmentId
from shared.contracts.lawbook import (
    Domain,
    ListKind,
)
from shared.contracts.listing import Notice, Origin
from shared.lawbook.book import LawBook
from shared.lawbook.policy import Governing, Question, governing, value_of
from shared.lawbook.publicity import NeverPublic, Publishable, never_public
from shared.lawbook.responsibility import is_responsible
from shared.lawbook.terms import last_day, months_after
from shared.rejection import Fault, Named


class EntryContent(Publishable, Protocol):
    """The content that the rules read. A form and an entry both have it. `shared.identity` checks the subject."""

    @property
    def initiated_by(self) -> DepartmentId: ...
    @property
    def notice(self) -> Notice | None: ...
    @property
    def names_persons(self) -> bool: ...


def entry_faults(entry: EntryContent, book: LawBook, today: date) -> list[Fault]:
    """All faults of an entry; empty when it may be published on this day."""
    rules = rules_of(entry, book)
    return [
        *_jurisdiction_faults(entry, book),
        *publicity_faults(entry, rules),
        *_initiator_faults(entry, book),
        *grade_faults(entry, book, rules),
        *_decision_faults(entry, book, today),
        *_central_basis_faults(entry, book, rules),
        *term_faults(entry, rules, today),
        *_term_over_faults(entry, today),
        *_notice_faults(entry, rules, today),
    ]


def rules_of(entry: EntryContent, book: LawBook) -> Governing:
    """The policies of the entry's jurisdiction and domain on the day of its decision."""
    decided_on = entry.decision.decided_on
    return governing(book, Question(entry.jurisdiction, entry.domain_id, decided_on, decided_on))


def deciders(domain: Domain) -> tuple[DepartmentId, ...]:
    """The departments whose decisions a listing in a domain may rest on; its listers where it names none."""
    return domain.may_decide or domain.may_list


def named(domain: Domain) -> Named:
    """The domain as a fact of a fault."""
    return Named(domain.domain_id, domain.name_zh, domain.name_en)


# --- list, grade, term, publicity ------------------------------------------------------------------------------------


def list_faults(entry: EntryContent, book: LawBook) -> Iterator[Fault]:
    """The domain exists, keeps this kind of list, and the initiating department may list in it (rows 3 and 24).

    `unknown_domain`, `list_not_kept`, `may_not_list`, `not_a_third_party`, `third_party_origin_only`,
    `third_party_without_persons`.
    """
    domain = book.domain(entry.domain_id)
    if domain is None:
        yield Fault("unknown_domain", "domain_id", {"id": entry.domain_id})
        return
    if entry.list_kind not in domain.lists:
        facts: dict[str, object] = {"list": entry.list_kind, "kept": list(domain.lists), "domain": named(domain)}
        yield Fault("list_not_kept", "list_kind", facts)
    yield from _lister_faults(entry, domain, book)


def _lister_faults(entry: EntryContent, domain: Domain, book: LawBook) -> Iterator[Fault]:
    """An authority lists where the domain names it. A third party hands in lists for reference, and nothing else.

    A third party needs no mention in `may_list`, and hands in records of natural persons only if the law book says so.
    """
    department = book.department(entry.initiated_by)
    who: dict[str, object] = {"department": entry.initiated_by}
    if department is None or not department.is_third_party:
        if department is not None and entry.origin is Origin.THIRD_PARTY:
            yield Fault("not_a_third_party", "origin", who)
        elif entry.initiated_by not in domain.may_list:
            yield Fault("may_not_list", "domain_id", {"domain": named(domain), **who})
        return
    if entry.origin is not Origin.THIRD_PARTY:
        yield Fault("third_party_origin_only", "origin", who)
    if entry.names_persons and not department.natural_persons:
        yield Fault("third_party_without_persons", "subject", who)


def grade_faults(entry: EntryContent, book: LawBook, rules: Governing) -> Iterator[Fault]:
    """A grade (失信等级) is a code of the domain or of the policy of the jurisdiction (row 7).

    A domain with grades demands one of each black entry. The policy says to which list a grade leads, if to any
    (002 三(三), 004 三(二)). `grade_leads_elsewhere`, `grade_missing`, `unknown_grade`.
    """
    domain = book.domain(entry.domain_id)
    if domain is None:
        return
    tiers = {tier.code: tier for tier in value_of(rules.substance.grades, ())}
    tier = tiers.get(entry.grade or "")
    if tier is not None and tier.list_kind is not entry.list_kind and entry.list_kind is not ListKind.RED:
        leads: dict[str, object] = {"grade": Named(tier.code, tier.name_zh, tier.name_en), "list": entry.list_kind}
        yield Fault("grade_leads_elsewhere", "grade", leads)
    codes = list(dict.fromkeys([*(grade.code for grade in domain.grades), *tiers]))
    if entry.grade is None:
        if domain.grades and entry.list_kind is ListKind.BLACK:
            yield Fault("grade_missing", "grade", {"grades": codes})
    elif entry.grade not in codes:
        yield Fault("unknown_grade", "grade", {"grade": entry.grade, "grades": codes})


def term_faults(entry: EntryContent, rules: Governing, today: date = date.max) -> Iterator[Fault]:
    """The term begins on the day of the decision or later, and ends within the longest term of the policy (row 14).

    If the policy of the day of the decision states a longest term, every entry has an end, and the end is at most so many months
    after the beginning. If no policy states one, there is no maximum, and a term may have no end. A decision of a day after
    `today` is a fault of its own (`date_in_future`): the term is not compared with it.

    `end_before_start`, `term_before_decision`, `term_too_long`.
    """
    end = last_day(entry.term_to)
    if end is not None and end < entry.term_from:
        yield Fault("end_before_start", "term_to")
        return
    decided_on = entry.decision.decided_on
    if entry.term_from < decided_on <= today:
        yield Fault("term_before_decision", "term_from", {"decided_on": decided_on})
    longest = value_of(rules.substance.longest_term_months, None)
    if longest is None:
        return
    latest = months_after(entry.term_from, longest)
    if end is None or end > latest:
        yield Fault("term_too_long", "term_to", {"months": longest, "latest": latest})


def publicity_faults(entry: EntryContent, rules: Governing) -> Iterator[Fault]:
    """Entries that may never be public (shared/lawbook/publicity.py, row 20).

    `watch_entry_public`, `third_party_entry_public`, `grade_not_public`.
    """
    if not entry.public:
        return
    for reason in never_public(entry, rules):
        facts: dict[str, object] = {"grade": entry.grade} if reason is NeverPublic.GRADE else {}
        yield Fault(reason.value, "public", facts)


# --- initiator, jurisdiction, decision, notice -----------------------------------------------------------------------


def _initiator_faults(entry: EntryContent, book: LawBook) -> Iterator[Fault]:
    """A department that the book does not name is one fault, not two: `may_not_list` is left out."""
    if entry.initiated_by in book.departments:
        yield from list_faults(entry, book)
        return
    yield Fault("unknown_department", "initiated_by", {"department": entry.initiated_by})
    yield from (fault for fault in list_faults(entry, book) if fault.code != "may_not_list")


def _jurisdiction_faults(entry: EntryContent, book: LawBook) -> Iterator[Fault]:
    """A region of the law book, for which the initiating department is responsible: its own region or one below it.

    `jurisdiction_not_a_region` (not six digits), `unknown_region`, `outside_responsibility`.
    """
    region = entry.jurisdiction
    if not is_region_code(region):
        yield Fault("jurisdiction_not_a_region", "jurisdiction")
    elif region not in book.regions:
        yield Fault("unknown_region", "jurisdiction", {"id": region})
    elif entry.initiated_by in book.departments and not is_responsible(book, entry.initiated_by, region):
        facts: dict[str, object] = {"region": region, "department": entry.initiated_by}
        yield Fault("outside_responsibility", "jurisdiction", facts)


def _decision_faults(entry: EntryContent, book: LawBook, today: date) -> Iterator[Fault]:
    """A named authority decided, on a named basis and facts, and not in the future (国办发〔2020〕49号)."""
    decision = entry.decision
    if not decision.document_number.strip():
        yield Fault("document_number_missing", "decision.document_number")
    if not decision.legal_basis.strip():
        yield Fault("missing_basis", "decision.legal_basis")
    if not decision.facts.strip():
        yield Fault("field_missing", "decision.facts")
    yield from _decider_faults(entry, book)
    if decision.decided_on > today:
        yield Fault("date_in_future", "decision.decided_on", {"date": decision.decided_on})
    if decision.act_ended_on is not None and decision.act_ended_on > decision.decided_on:
        yield Fault("act_ends_after_decision", "decision.act_ended_on", {"decided_on": decision.decided_on})


def _decider_faults(entry: EntryContent, book: LawBook) -> Iterator[Fault]:
    decider = entry.decision.decided_by
    if decider != entry.initiated_by and decider not in book.departments:
        yield Fault("unknown_department", "decision.decided_by", {"department": decider})
    domain = book.domain(entry.domain_id)
    if domain is None or decider not in book.departments or decider in deciders(domain):
        return
    if decider == entry.initiated_by and (entry.origin is Origin.THIRD_PARTY or decider not in domain.may_list):
        return  # a third party decides on its own list; of others `may_not_list` reports it
    yield Fault("may_not_decide", "decision.decided_by", {"domain": named(domain), "department": decider})


def _central_basis_faults(entry: EntryContent, book: LawBook, rules: Governing) -> Iterator[Fault]:
    """Where the policy demands it, a black list rests on a law or a central policy that is valid on the day of the decision.

    The domain names these bases (国办发〔2020〕49号). Lists of third parties are for reference and need none. `no_central_basis`.
    """
    demanded = value_of(rules.substance.law_or_central_policy_only, otherwise=False)
    domain = book.domain(entry.domain_id)
    if not demanded or domain is None or entry.list_kind is not ListKind.BLACK or entry.origin is Origin.THIRD_PARTY:
        return
    decided_on = entry.decision.decided_on
    bases = (basis for basis_id in domain.central_basis_ids for basis in book.basis_versions(basis_id))
    if not any(basis.as_cited().holds_on(decided_on) for basis in bases):
        yield Fault("no_central_basis", "domain_id", {"domain": named(domain), "decided_on": decided_on})


def _term_over_faults(entry: EntryContent, today: date) -> Iterator[Fault]:
    """What is published has effect: a term that is over is not published (`term_is_over`).

    A correction may set such an end: the entry then ends.
    """
    end = last_day(entry.term_to)
    if end is not None and entry.term_from <= end < today:
        yield Fault("term_is_over", "term_to", {"last_day": end})


def _notice_faults(entry: EntryContent, rules: Governing, today: date) -> Iterator[Fault]:
    """No decision within the plea window (陈述申辩期) that its own notice states, on any list.

    Where the policy demands it, no black listing before notice (告知) and before a window of so many working days ends (N5).
    Lists of third parties are for reference and need no notice.
    """
    notice, decided_on = entry.notice, entry.decision.decided_on
    demanded = (
        value_of(rules.procedure.notice_before_listing, otherwise=False)
        and entry.list_kind is ListKind.BLACK
        and entry.origin is not Origin.THIRD_PARTY
    )
    if notice is None:
        if demanded:
            yield Fault("notice_missing", "notice")
        return
    if notice.served_on > today:
        yield Fault("date_in_future", "notice.served_on", {"date": notice.served_on})
    if notice.plea_until < notice.served_on:
        yield Fault("end_before_start", "notice.plea_until")
    days = value_of(rules.procedure.plea_working_days, 0) if demanded else 0
    earliest = add_working_days(notice.served_on, days).date if demanded else notice.plea_until
    if notice.plea_until < earliest:
        facts: dict[str, object] = {"days": days, "earliest": earliest}
        yield Fault("plea_window_too_short", "notice.plea_until", facts)
    window_end = max(earliest, notice.plea_until)
    if decided_on <= window_end:
        yield Fault("decided_before_plea_ended", "decision.decided_on", {"plea_until": window_end})
