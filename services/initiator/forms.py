"""From what a caller sent to an entry: who is meant is named by key, and a natural person's name and number are sealed.

Numbers of persons leave this module only sealed. A number that stands in a free text is refused: it would be in clear in
every event, for good.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date

from shared.contracts.event import DepartmentId, DomainId, EntryId, SubjectKey
from shared.contracts.lawbook import ListKind, Role
from shared.contracts.listing import Decision, Entry, Notice, Origin, ResponsiblePerson
from shared.identity import SubjectKeys, is_resident_id
from shared.identity.personal_numbers import personal_number_faults
from shared.identity.subjects import is_person_scheme, sealed_subject
from shared.rejection import Fault, Rejected, reject_all


@dataclass(frozen=True, slots=True)
class SubjectForm:
    """A subject as a caller names it: `uscc`, `person` or another scheme, the number, and the name."""

    scheme: str
    number: str = field(repr=False)
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ResponsibleForm:
    subject: SubjectForm
    role: Role


@dataclass(frozen=True, slots=True)
class Form:
    """An entry as a caller fills it in."""

    list_kind: ListKind
    domain_id: DomainId
    grade: str | None
    subject: SubjectForm
    responsible: tuple[ResponsibleForm, ...]
    initiated_by: DepartmentId
    decision: Decision
    notice: Notice | None
    jurisdiction: str
    term_from: date
    term_to: date | None
    public: bool
    able_but_unwilling: bool
    origin: Origin = Origin.OWN


@dataclass(frozen=True, slots=True)
class Named:
    """The keys of the listed subject and of the responsible persons, in the order of the form."""

    subject: SubjectKey
    responsible: tuple[SubjectKey, ...]


def name(form: Form, keys: SubjectKeys) -> tuple[Named | None, list[Fault]]:
    """The keys of everyone on the form, or everything that is wrong with their numbers and names."""
    subject, faults = _key(form.subject, "subject", keys)
    responsible: list[SubjectKey] = []
    for place, person in enumerate(form.responsible):
        path = f"responsible[{place}].subject"
        if not is_person_scheme(person.subject.scheme):
            faults.append(Fault("responsible_not_a_person", f"{path}.scheme"))
            continue
        key, found = _key(person.subject, path, keys)
        faults += found
        if key is not None:
            responsible.append(key)
    faults += _numbers_in_texts(form)
    if faults or subject is None:
        return None, faults
    return Named(subject, tuple(responsible)), []


def _key(subject: SubjectForm, path: str, keys: SubjectKeys) -> tuple[SubjectKey | None, list[Fault]]:
    faults: list[Fault] = []
    key: SubjectKey | None = None
    try:
        key = keys.of(subject.scheme, subject.number, f"{path}.number")
    except Rejected as rejected:
        faults = [_at_scheme(fault, path) for fault in rejected.faults]
    if not subject.name.strip():
        faults.append(Fault("field_missing", f"{path}.name"))
    return key, faults


def _at_scheme(fault: Fault, path: str) -> Fault:
    return Fault(fault.code, f"{path}.scheme", fault.facts) if fault.code == "subject_scheme" else fault


def _numbers_in_texts(form: Form) -> Iterator[Fault]:
    decision = form.decision
    texts = {"decision.facts": decision.facts, "decision.legal_basis": decision.legal_basis}
    if form.notice is not None and form.notice.plea_heard:
        texts["notice.plea_heard"] = form.notice.plea_heard
    if not is_person_scheme(form.subject.scheme):
        texts["subject.name"] = form.subject.name
    yield from personal_number_faults(texts)
    if is_resident_id(decision.document_number):
        yield Fault("personal_number_in_text", "decision.document_number")


def entry_of(form: Form, named: Named, entry_id: EntryId, seal: Callable[[str], str]) -> Entry:
    """The entry that the form describes; who publishes it is not known yet, and stands as whoever initiated it."""
    return Entry(
        entry_id=entry_id,
        list_kind=form.list_kind,
        domain_id=form.domain_id,
        grade=form.grade,
        subject=sealed_subject(named.subject, form.subject.name, form.subject.number, seal),
        responsible=tuple(
            ResponsiblePerson(
                subject=sealed_subject(key, person.subject.name, person.subject.number, seal), role=person.role
            )
            for person, key in zip(form.responsible, named.responsible, strict=True)
        ),
        initiated_by=form.initiated_by,
        published_by=form.initiated_by,
        decision=form.decision,
        notice=form.notice,
        jurisdiction=form.jurisdiction,
        term_from=form.term_from,
        term_to=form.term_to,
        public=form.public,
        able_but_unwilling=form.able_but_unwilling,
        origin=form.origin,
    )


def named_entry(
    form: Form, keys: SubjectKeys, seal: Callable[[str], str], entry_id: EntryId, judged: Callable[[], list[Fault]]
) -> Entry:
    """The entry; when somebody on the form cannot be named, Rejected with those faults and with what `judged` finds."""
    named, faults = name(form, keys)
    if named is None:
        reject_all([*judged(), *faults])
    assert named is not None
    return entry_of(form, named, entry_id, seal)
