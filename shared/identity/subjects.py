"""The subject of an event, from the input of a caller. A natural person's name and number are encrypted (row 25)."""

from collections.abc import Callable

from shared.contracts.event import SubjectKey
from shared.contracts.lawbook import SubjectKind
from shared.contracts.listing import Subject
from shared.identity.keys import PERSON_SCHEME, PERSONAL_PREFIX, kind_of
from shared.identity.sealing import mask_name


def is_person_scheme(scheme: str) -> bool:
    """Whether numbers of this scheme belong to natural persons."""
    return scheme == PERSON_SCHEME or scheme.startswith(PERSONAL_PREFIX)


def sealed_subject(key: SubjectKey, name: str, number: str, seal: Callable[[str], str]) -> Subject:
    """The subject. `seal` encrypts.

    Of a natural person only the masked name is in clear. Of any other subject the name is in clear, and the key contains the
    number.
    """
    kind = kind_of(key)
    full_name = name.strip()
    if kind is not SubjectKind.PERSON:
        return Subject(key=key, kind=kind, name=full_name)
    return Subject(
        key=key,
        kind=kind,
        name=mask_name(full_name),
        sealed_name=seal(full_name),
        sealed_number=seal(number.strip()),
    )
