"""Whom a question is about, when the number stands in its URL: never a natural person, for URLs are logged and passed on."""

from shared.contracts.event import SubjectKey
from shared.rejection import reject
from shared.runtime.core import Core


def key_in_url(core: Core, scheme: str, number: str) -> SubjectKey:
    """The subject that the URL names. Raises Rejected: `person_in_url`, and what a wrong number is refused with."""
    if scheme.startswith("person"):
        raise reject("person_in_url", "scheme")
    return core.keys.of(scheme, number)
