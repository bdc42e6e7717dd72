"""The changes of a correction, from the body to the domain: responsible persons become subjects with sealed names (row 25)."""

from collections.abc import Sequence
from typing import Any

from services.repair.api.bodies import ChangesBody, ResponsibleBody
from services.repair.domain.correction import Changes
from shared.contracts.listing import ResponsiblePerson
from shared.identity import Seal, SubjectKeys
from shared.identity.subjects import sealed_subject
from shared.rejection import Fault, Rejected, reject_all
from shared.runtime.core import Core


def changes(core: Core, body: ChangesBody) -> Changes:
    """The fields that were given. Raises Rejected with every wrong number of a responsible person."""
    given: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    if "responsible" in given:
        given["responsible"] = _responsible_persons(core.keys, core.seal, body.responsible or ())
    return Changes(**given)


def _responsible_persons(
    keys: SubjectKeys, seal: Seal, bodies: Sequence[ResponsibleBody]
) -> tuple[ResponsiblePerson, ...]:
    """Named by key; name and number of a natural person are sealed.

    Raises Rejected with every wrong number, at `changes.responsible[0].subject.number`.
    """
    faults: list[Fault] = []
    persons: list[ResponsiblePerson] = []
    for nth, body in enumerate(bodies):
        try:
            key = keys.of(body.subject.scheme, body.subject.number, f"changes.responsible[{nth}].subject.number")
        except Rejected as rejected:
            faults += rejected.faults
        else:
            subject = sealed_subject(key, body.subject.name, body.subject.number, seal.seal)
            persons.append(ResponsiblePerson(subject=subject, role=body.role))
    reject_all(faults)
    return tuple(persons)
