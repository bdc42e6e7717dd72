"""Invented subjects for tests (named 示例…), with valid check digits."""

from liandong.demo.subjects import InventedSubjects
from shared.contracts.lawbook import SubjectKind
from shared.contracts.listing import Subject
from shared.identity import mask_name
from tests.harness import World

INVENTED = InventedSubjects(seed=7)


def company(w: World, index: int) -> Subject:
    """An invented company, with the subject key of the services in this world."""
    one = INVENTED.company(index)
    keys = next(iter(w.services.values())).core.keys
    return Subject(key=keys.legal(one.credit_code), kind=SubjectKind.LEGAL, name=one.name)


def person(w: World, index: int) -> Subject:
    """An invented natural person, with masked name, sealed name and sealed number."""
    one = INVENTED.person(index)
    core = next(iter(w.services.values())).core
    return Subject(
        key=core.keys.person(one.resident_id),
        kind=SubjectKind.PERSON,
        name=mask_name(one.name),
        sealed_name=core.seal.seal(one.name),
        sealed_number=core.seal.seal(one.resident_id),
    )
