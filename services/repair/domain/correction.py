"""Which content of an entry can be corrected, which rules the corrected content must keep, and which correction ends measures.

Subject, list, initiator and decision cannot be corrected: that would be another listing. Revoke the entry, then decide and
publish another one.
"""

from datetime import date
from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from shared.contracts.event import Contract, DomainId, SubjectKey
from shared.contracts.lawbook import Role
from shared.contracts.listing import Entry, ResponsiblePerson
from shared.lawbook.book import LawBook
from shared.lawbook.entry_rules import grade_faults, list_faults, publicity_faults, rules_of, term_faults
from shared.lawbook.terms import last_day
from shared.rejection import Fault


class Changes(Contract):
    """The fields to correct: those in `model_fields_set`, also when they are given as None. The defaults have no meaning.

    Only these fields are stored, so that a stored correction has the same ones when it is read.
    """

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

    @model_serializer(mode="wrap")
    def _only_given(self, serialized: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in serialized(self).items() if name in self.model_fields_set}

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


def may_end_measures(old: Entry, new: Entry) -> bool:
    """Whether a correction may end a measure or the publicity of the entry, so that two officers must agree (four eyes).

    Another domain or grade may lead to fewer measures; a measure may reach only those who are able but unwilling. A correction
    that only adds (a longer term, another responsible person, publicity) and one of facts and legal basis end nothing.
    """
    return (
        (old.domain_id, old.grade) != (new.domain_id, new.grade)
        or (old.able_but_unwilling and not new.able_but_unwilling)
        or (old.public and not new.public)
        or bool(_held_responsible(old) - _held_responsible(new))
        or _shorter(old, new)
    )


def _held_responsible(entry: Entry) -> set[tuple[SubjectKey, Role]]:
    return {(person.subject.key, person.role) for person in entry.responsible}


def _shorter(old: Entry, new: Entry) -> bool:
    """The term ends earlier, or begins on another day: publicity may count from it, and then ends earlier too."""
    old_end, new_end = last_day(old.term_to), last_day(new.term_to)
    return new.term_from != old.term_from or (new_end is not None and (old_end is None or new_end < old_end))


def _changed_field(field: str | None) -> str:
    """The field of the correction that caused a fault. The list cannot be corrected, so the domain caused a fault of the list."""
    if not field:
        return "changes"
    return "changes.domain_id" if field == "list_kind" else f"changes.{field}"


def _term_inputs(entry: Entry) -> tuple[object, ...]:
    return entry.term_from, entry.term_to, entry.domain_id
