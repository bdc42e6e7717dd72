"""Which content of an entry can be corrected, and which rules the corrected content must keep.

Subject, list, initiator and decision cannot be corrected: that would be another listing. Revoke the entry, then decide and
publish another one.
"""

from datetime import date
from typing import Any

from shared.contracts.event import Contract, DomainId
from shared.contracts.listing import Entry, ResponsiblePerson
from shared.lawbook.book import LawBook
from shared.lawbook.entry_rules import grade_faults, list_faults, publicity_faults, rules_of, term_faults
from shared.rejection import Fault


class Changes(Contract):
    """The fields to correct: those in `model_fields_set`, also when they are given as None. The defaults have no meaning."""

    domain_id: DomainId = DomainId("")
    grade: str | None = None
    responsible: tuple[ResponsiblePerson, ...] = ()
    facts: str = ""
    legal_basis: str = ""
    act_ended_on: date | None = None
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


def correction_faults(old: Entry, new: Entry, book: LawBook) -> list[Fault]:
    """Every fault of the corrected content, by the rules that the correction touches; empty when it may replace the old one.

    Fields are reported as `changes.<field>`.
    """
    faults = [Fault("nothing_to_correct", "")] if old == new else []
    rules = rules_of(new, book)
    if new.domain_id != old.domain_id:
        faults += list_faults(new, book)
    if (new.domain_id, new.grade) != (old.domain_id, old.grade):
        faults += grade_faults(new, book, rules)
    if _term_inputs(old) != _term_inputs(new):
        faults += term_faults(new, rules)
    if new.public != old.public:
        faults += publicity_faults(new, rules)
    return [Fault(fault.code, _changed_field(fault.field), fault.facts) for fault in faults]


def _changed_field(field: str | None) -> str:
    """The field of the correction that caused a fault. The list cannot be corrected, so the domain caused a fault of the list."""
    if not field:
        return "changes"
    return "changes.domain_id" if field == "list_kind" else f"changes.{field}"


def _term_inputs(entry: Entry) -> tuple[object, ...]:
    return entry.term_from, entry.term_to, entry.domain_id
