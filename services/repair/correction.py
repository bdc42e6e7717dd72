"""What of an entry can be corrected, and when the corrected content may stand.

Who is listed, on which list, by whom and by which decision cannot be corrected: that is another listing. The entry is
revoked, and another one decided and published.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from typing import Any

from shared.contracts.event import Contract, DomainId
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import Entry, ResponsiblePerson
from shared.lawbook.book import LawBook
from shared.lawbook.policy import substance_of, value_of
from shared.rejection import Fault, Named

NO_END = (date(2999, 12, 31), date(9999, 12, 31))
"""What other systems write for "no end"."""


class Changes(Contract):
    """The fields to correct: those that were given (`model_fields_set`), also to nothing. What stands here says nothing."""

    domain_id: DomainId = DomainId("")
    grade: str | None = None
    responsible: tuple[ResponsiblePerson, ...] = ()
    facts: str = ""
    legal_basis: str = ""
    act_ended_on: date | None = None
    jurisdiction: str = ""
    term_from: date = date.min
    term_to: date | None = None
    public: bool = False
    able_but_unwilling: bool = False

    def applied_to(self, entry: Entry) -> Entry:
        """The whole entry with the corrected content."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        of_decision = {name: given.pop(name) for name in _OF_DECISION if name in given}
        update: dict[str, Any] = {**given, "decision": entry.decision.model_copy(update=of_decision)}
        return entry.model_copy(update=update)


_OF_DECISION = ("facts", "legal_basis", "act_ended_on")


def correction_faults(old: Entry, new: Entry, book: LawBook) -> Iterator[Fault]:
    """What speaks against the corrected content; at `changes.<field>`."""
    if old == new:
        yield Fault("nothing_to_correct", "changes")
    if new.domain_id != old.domain_id:
        yield from _domain_faults(new, book)
    if (new.domain_id, new.grade) != (old.domain_id, old.grade):
        yield from _grade_faults(new, book)
    if _what_bounds_the_term(old) != _what_bounds_the_term(new):
        yield from _term_faults(new, book)
    if new.list_kind is ListKind.WATCH and new.public:  # row 20: the tier below the threshold is not public
        yield Fault("watch_is_never_public", "changes.public")


def _domain_faults(new: Entry, book: LawBook) -> Iterator[Fault]:
    domain = book.domain(new.domain_id)
    if domain is None:
        yield Fault("unknown_domain", "changes.domain_id", {"id": new.domain_id})
        return
    called = Named(domain.domain_id, domain.name_zh, domain.name_en)
    if new.list_kind not in domain.lists:
        yield Fault("domain_keeps_no_such_list", "changes.domain_id", {"list": new.list_kind, "domain": called})
    if new.initiated_by not in domain.may_list:
        yield Fault("may_not_list_there", "changes.domain_id", {"domain": called})


def _grade_faults(new: Entry, book: LawBook) -> Iterator[Fault]:
    """A grade is a code of its domain, or of the policy of its jurisdiction (row 7)."""
    domain = book.domain(new.domain_id)
    substance = substance_of(book, new.jurisdiction, new.domain_id, new.decision.decided_on)
    tiers = {tier.code for tier in value_of(substance.grades, ())}
    known = tiers | ({grade.code for grade in domain.grades} if domain else set[str]())
    if new.grade is not None and domain is not None and new.grade not in known:
        called = Named(domain.domain_id, domain.name_zh, domain.name_en)
        yield Fault("unknown_grade", "changes.grade", {"grade": new.grade, "domain": called})


def _what_bounds_the_term(entry: Entry) -> tuple[object, ...]:
    return entry.term_from, entry.term_to, entry.jurisdiction, entry.domain_id


def _term_faults(new: Entry, book: LawBook) -> Iterator[Fault]:
    """Row 14; the longest term is substance: the policy of the day of the decision says it."""
    end = last_day(new)
    if end is not None and end < new.term_from:
        yield Fault("end_before_start", "changes.term_to")
    substance = substance_of(book, new.jurisdiction, new.domain_id, new.decision.decided_on)
    longest = value_of(substance.longest_term_months, None)
    if longest is not None and (end is None or end > _months_after(new.term_from, longest)):
        yield Fault("term_too_long", "changes.term_to", {"months": longest})


def last_day(entry: Entry) -> date | None:
    """The last day of the term; none when it has no end."""
    return None if entry.term_to in NO_END else entry.term_to


def _months_after(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year = min(day.year + years, date.max.year)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
