"""From the content that a caller sent to an entry: subjects get their keys, names and numbers of persons are sealed.

Numbers of persons leave this module only sealed. A number in a free text is refused, because every event would keep it in
clear for good (row 25). Keys and seal are arguments: the secrets belong to the caller.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date

from shared.contracts.event import DepartmentId, DomainId, EntryId, SubjectKey
from shared.contracts.lawbook import (
    ListKind,
    Role,
)
from shared.contracts.listing import Decision, Entry, Notice, Origin, ResponsiblePerson
from shared.identity import SubjectKeys, is_resident_id
from shared.identity.personal_numbers import personal_number_faults
from shared.identity.subjects import is_person_scheme, sealed_subject
from shared.identity.texts import unclean_faults, without_letters
from shared.rejection import Fault, Rejected

MAX_LENGTHS = {
    "name": 200,
    "document_number": 200,
    "facts": 20_000,
    "legal_basis": 2_000,
    "domain_id": 100,
    "grade": 100,
}
"""Characters that a text may have, in a file and over HTTP."""
MAX_RESPONSIBLE = 100
"""Responsible persons that an entry may have."""


@dataclass(frozen=True, slots=True)
class SubjectInput:
    """A subject as a caller names it. `scheme`: `uscc`, `person` or another scheme of numbers."""

    scheme: str
    number: str = field(repr=False)
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ResponsibleInput:
    """A responsible person (相关责任人) as a caller names it."""

    subject: SubjectInput
    role: Role


@dataclass(frozen=True, slots=True)
class EntryInput:
    """The content of an entry as a caller sent it, over HTTP or as a row of a file."""

    list_kind: ListKind
    domain_id: DomainId
    grade: str | None
    subject: SubjectInput
    responsible: tuple[ResponsibleInput, ...]
    initiated_by: DepartmentId
    decision: Decision
    notice: Notice | None
    jurisdiction: str
    term_from: date
    term_to: date | None
    public: bool
    able_but_unwilling: bool
    origin: Origin = Origin.OWN

    @property
    def names_persons(self) -> bool:
        """Whether it holds a record of a natural person: of the subject or of a responsible person."""
        return is_person_scheme(self.subject.scheme) or bool(self.responsible)


@dataclass(frozen=True, slots=True)
class InputKeys:
    """The keys of the listed subject and of the responsible persons, in the order of the input."""

    subject: SubjectKey
    responsible: tuple[SubjectKey, ...]


def keys_of_input(entry: EntryInput, keys: SubjectKeys) -> tuple[InputKeys | None, list[Fault]]:
    """The keys of every subject of the input; or None and all faults of their numbers, their names and the free texts."""
    subject, faults = _key(entry.subject, "subject", keys)
    responsible: list[SubjectKey] = []
    for place, person in enumerate(entry.responsible):
        path = f"responsible[{place}].subject"
        if not is_person_scheme(person.subject.scheme):
            faults.append(Fault("responsible_not_a_person", f"{path}.scheme"))
            continue
        key, found = _key(person.subject, path, keys)
        faults += found
        if key is not None:
            responsible.append(key)
    faults += _unclean_texts(entry)
    faults += _personal_numbers_in_texts(entry)
    if faults or subject is None:
        return None, faults
    return InputKeys(subject, tuple(responsible)), []


def _key(subject: SubjectInput, path: str, keys: SubjectKeys) -> tuple[SubjectKey | None, list[Fault]]:
    faults: list[Fault] = []
    key: SubjectKey | None = None
    try:
        key = keys.of(subject.scheme, subject.number, f"{path}.number")
    except Rejected as rejected:
        faults = [_at_scheme(fault, path) for fault in rejected.faults]
    if not subject.name.strip():
        faults.append(Fault("field_missing", f"{path}.name"))
    elif without_letters(subject.name):
        faults.append(Fault("name_without_letters", f"{path}.name"))
    return key, faults


def _unclean_texts(entry: EntryInput) -> Iterator[Fault]:
    """Faults of invisible characters. Numbers of subjects are judged with their keys."""
    decision = entry.decision
    exact = {"subject.name": entry.subject.name, "decision.document_number": decision.document_number}
    for place, person in enumerate(entry.responsible):
        exact[f"responsible[{place}].subject.name"] = person.subject.name
    prose = {"decision.facts": decision.facts, "decision.legal_basis": decision.legal_basis}
    if entry.notice is not None:
        prose["notice.plea_heard"] = entry.notice.plea_heard
    yield from unclean_faults(exact, prose)


def _at_scheme(fault: Fault, path: str) -> Fault:
    return Fault(fault.code, f"{path}.scheme", fault.facts) if fault.code == "subject_scheme" else fault


def _personal_numbers_in_texts(entry: EntryInput) -> Iterator[Fault]:
    decision = entry.decision
    texts = {"decision.facts": decision.facts, "decision.legal_basis": decision.legal_basis}
    if entry.notice is not None and entry.notice.plea_heard:
        texts["notice.plea_heard"] = entry.notice.plea_heard
    if not is_person_scheme(entry.subject.scheme):
        texts["subject.name"] = entry.subject.name
    yield from personal_number_faults(texts)
    if is_resident_id(decision.document_number):
        yield Fault("personal_number_in_text", "decision.document_number")


def sealed_entry(entry: EntryInput, keys: InputKeys, entry_id: EntryId, seal: Callable[[str], str]) -> Entry:
    """The entry of this input. `seal` encrypts. `published_by` is the initiator until another department publishes."""
    return Entry(
        entry_id=entry_id,
        list_kind=entry.list_kind,
        domain_id=entry.domain_id,
        grade=entry.grade,
        subject=sealed_subject(keys.subject, entry.subject.name, entry.subject.number, seal),
        responsible=tuple(
            ResponsiblePerson(
                subject=sealed_subject(key, person.subject.name, person.subject.number, seal), role=person.role
            )
            for person, key in zip(entry.responsible, keys.responsible, strict=True)
        ),
        initiated_by=entry.initiated_by,
        published_by=entry.initiated_by,
        decision=entry.decision,
        notice=entry.notice,
        jurisdiction=entry.jurisdiction,
        term_from=entry.term_from,
        term_to=entry.term_to,
        public=entry.public,
        able_but_unwilling=entry.able_but_unwilling,
        origin=entry.origin,
    )


def entry_from_input(
    entry: EntryInput,
    keys: SubjectKeys,
    seal: Callable[[str], str],
    entry_id: EntryId,
    rule_faults: Callable[[], list[Fault]],
) -> Entry:
    """The entry. Raises Rejected with the faults of its subjects and texts, and with `rule_faults()`, all at once.

    Without such faults `rule_faults` is not called: the decider judges the entry by the same rules.
    """
    input_keys, faults = keys_of_input(entry, keys)
    if input_keys is None:
        raise Rejected(*rule_faults(), *faults)
    return sealed_entry(entry, input_keys, entry_id, seal)
