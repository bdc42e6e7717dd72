"""Responsible persons as they were sent, made into subjects: named by key, a natural person's name and number sealed."""

from collections.abc import Sequence

from services.repair.forms import PersonForm, ResponsibleForm
from shared.contracts.event import SubjectKey
from shared.contracts.lawbook import SubjectKind
from shared.contracts.listing import ResponsiblePerson, Subject
from shared.identity import Seal, SubjectKeys, kind_of, mask_name
from shared.rejection import Fault, Rejected, reject_all


def responsible_persons(
    keys: SubjectKeys, seal: Seal, sent: Sequence[ResponsibleForm]
) -> tuple[ResponsiblePerson, ...]:
    """Raises Rejected with every number that is wrong, at `changes.responsible[0].subject.number`."""
    faults: list[Fault] = []
    persons: list[ResponsiblePerson] = []
    for nth, form in enumerate(sent):
        try:
            key = keys.of(form.subject.scheme, form.subject.number, f"changes.responsible[{nth}].subject.number")
        except Rejected as refused:
            faults += refused.faults
        else:
            persons.append(ResponsiblePerson(subject=_subject(key, seal, form.subject), role=form.role))
    reject_all(faults)
    return tuple(persons)


def _subject(key: SubjectKey, seal: Seal, form: PersonForm) -> Subject:
    kind = kind_of(key)
    if kind is not SubjectKind.PERSON:
        return Subject(key=key, kind=kind, name=form.name)
    return Subject(
        key=key,
        kind=kind,
        name=mask_name(form.name),
        sealed_name=seal.seal(form.name),
        sealed_number=seal.seal(form.number.strip()),
    )
