"""The subject of a request whose number is in the URL. Never a natural person: URLs are logged and passed on."""

from shared.contracts.event import SubjectKey
from shared.identity.subjects import is_person_scheme
from shared.rejection import reject
from shared.runtime.core import Core


def key_in_url(core: Core, scheme: str, number: str) -> SubjectKey:
    """Raises Rejected: `person_in_url`, and the codes of a number that is not valid."""
    if is_person_scheme(scheme):
        raise reject("person_in_url", "scheme")
    return core.keys.of(scheme, number)
