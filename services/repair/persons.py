"""Responsible persons as they were sent, made into subjects: named by key, a natural person's name and number sealed."""

from collections.abc import Sequence

from services.repair.forms import ResponsibleForm
from shared.contracts.listing import ResponsiblePerson
from shared.identity import Seal, SubjectKeys
from shared.identity.subjects import sealed_subject
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
            persons.append(
                ResponsiblePerson(
                    subject=sealed_subject(key, form.subject.name, form.subject.number, seal.seal), role=form.role
                )
            )
    reject_all(faults)
    return tuple(persons)
