"""Publicity (公示, row 20) of an entry: whether the public may ever see it, from which day, and until which day. Pure.

Publicity has a start, a minimum and a maximum of its own, apart from the term of the entry. It ends by itself on the last day of
the maximum, and never outlives the term. Days are dates in Asia/Shanghai; last days are included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from shared.contracts.event import DomainId
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import Decision, Origin
from shared.contracts.policy import CountsFrom, PublicityLength, ThirdPartyLists, Tier
from shared.lawbook.book import LawBook
from shared.lawbook.policy import Governing, Question, governing, value_of
from shared.lawbook.terms import last_day, months_after


class Publishable(Protocol):
    """What publicity depends on. A form and an entry both have it."""

    @property
    def list_kind(self) -> ListKind: ...
    @property
    def domain_id(self) -> DomainId: ...
    @property
    def grade(self) -> str | None: ...
    @property
    def decision(self) -> Decision: ...
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


@dataclass(frozen=True, slots=True)
class PublicityPeriod:
    """The days on which an entry is public, if it may be public at all."""

    from_day: date
    """The first day: the first day of the term."""
    at_least_until: date | None
    """The last day of the minimum (最短公示期): no repair until it has passed. None: the policy states no minimum."""
    until: date | None
    """The last day of publicity. None: no policy states a maximum, and the term has no end."""


class NeverPublic(StrEnum):
    """Why an entry may not be public, as the code of the fault."""

    WATCH = "watch_entry_public"
    """Watch entries are not public (row 20)."""
    THIRD_PARTY = "third_party_entry_public"
    """001 15 publishes lists of third parties on the website; elsewhere departments receive them for reference (row 24)."""
    GRADE = "grade_not_public"
    """A lesser grade: the policy publishes other grades only (row 20)."""


def never_public(entry: Publishable, rules: Governing) -> tuple[NeverPublic, ...]:
    """Why the entry may not be public; empty when it may.

    Where a policy names grades, a grade is public only if the policy says so: a grade of the domain that the policy does not
    name is a lesser one. Grades are of untrustworthiness, so they do not touch red lists. Without a grade the list decides.
    """
    found: list[NeverPublic] = []
    if entry.list_kind is ListKind.WATCH:
        found.append(NeverPublic.WATCH)
    on_website = value_of(rules.procedure.third_party_lists, ThirdPartyLists.GOVERNMENT) is ThirdPartyLists.WEBSITE
    if entry.origin is Origin.THIRD_PARTY and not on_website:
        found.append(NeverPublic.THIRD_PARTY)
    tiers = value_of(rules.substance.grades, ())
    if entry.list_kind is ListKind.BLACK and entry.grade is not None and tiers:
        tier = _tier(tiers, entry.grade)
        if tier is None or not tier.public:
            found.append(NeverPublic.GRADE)
    return tuple(found)


def may_be_public(entry: Publishable, book: LawBook, on: date) -> bool:
    """Whether the entry asks to be public, and the law of the day `on` allows it."""
    return entry.public and not never_public(entry, _rules(entry, book, on))


def publicity_period(entry: Publishable, book: LawBook, on: date) -> PublicityPeriod:
    """The period of publicity by the policies of the day `on` (程序从新).

    A later policy shortens publicity and never lengthens it: the maximum is the shorter one of the policy of the first day of the
    term and the policy of `on`. Lengths bound what harms a subject: red lists are public for their term.
    """
    from_day, end = entry.term_from, last_day(entry.term_to)
    if entry.list_kind is ListKind.RED:
        return PublicityPeriod(from_day, None, end)
    now, first = _rules(entry, book, on), _rules(entry, book, min(on, from_day))
    ends = [day for day in (end, _latest(entry, now), _latest(entry, first)) if day is not None]
    until = min(ends, default=None)
    return PublicityPeriod(from_day, _earliest(entry, now, until), until)


def _rules(entry: Publishable, book: LawBook, on: date) -> Governing:
    return governing(book, Question(entry.jurisdiction, entry.domain_id, entry.decision.decided_on, on))


def _latest(entry: Publishable, rules: Governing) -> date | None:
    """The last day of the maximum; None when no policy states one."""
    length = _length(entry, rules)
    return months_after(_counted_from(entry, rules), length.at_most_months) if length else None


def _earliest(entry: Publishable, rules: Governing, until: date | None) -> date | None:
    """The last day of the minimum, not after `until`."""
    length = _length(entry, rules)
    if length is None or not length.at_least_months:
        return None
    earliest = months_after(_counted_from(entry, rules), length.at_least_months)
    return earliest if until is None else min(earliest, until)


def _counted_from(entry: Publishable, rules: Governing) -> date:
    """The day of the decision, or of the listing: the first day of the term. The decision when no policy says."""
    counts_from = value_of(rules.procedure.publicity_counts_from, CountsFrom.DECISION)
    return entry.decision.decided_on if counts_from is CountsFrom.DECISION else entry.term_from


def _length(entry: Publishable, rules: Governing) -> PublicityLength | None:
    """The length for this entry: one of its domain before one of every domain, then one of its grade before the others."""
    fitting = [one for one in value_of(rules.procedure.publicity_lengths, ()) if _fits(one, entry, rules)]
    return max(fitting, key=lambda one: (bool(one.domains), one.grade is not None), default=None)


def _fits(length: PublicityLength, entry: Publishable, rules: Governing) -> bool:
    if length.domains and entry.domain_id not in length.domains:
        return False
    return length.grade is None or length.grade == entry.grade or _same_list(length.grade, entry, rules)


def _same_list(grade: str, entry: Publishable, rules: Governing) -> bool:
    """Whether a grade of the policy that states the lengths leads to the list of the entry, as the grade of the entry does.

    Codes of grades are those of their jurisdiction: 严重 of the state is `serious`, the black-list tier of Puyang is `black`.
    """
    ruling = rules.ruling("publicity_lengths")
    of_policy = value_of(ruling.policy.substance.grades, ()) if ruling else ()
    tier, own = _tier(of_policy, grade), _tier(value_of(rules.substance.grades, ()), entry.grade)
    if tier is None or tier.list_kind is not entry.list_kind:
        return False
    return entry.grade is None or (own is not None and own.list_kind is tier.list_kind)


def _tier(tiers: Sequence[Tier], code: str | None) -> Tier | None:
    return next((tier for tier in tiers if tier.code == code), None)
