"""One decision, one entry: the key by which two entries on the same decision are recognised."""

import unicodedata
from functools import lru_cache

from shared.contracts.event import DomainId, SubjectKey
from shared.contracts.lawbook import ListKind
from shared.ids import stable_id

_BRACKETS = {
    ord(bracket): plain for brackets, plain in (("〔［【（[", "("), ("〕］】）]", ")")) for bracket in brackets
}


@lru_cache(maxsize=4_096)
def decision_key(subject: SubjectKey, domain_id: DomainId, list_kind: ListKind, document_number: str) -> str:
    """A UUID of subject, domain, list and decision document.

    Document numbers are compared without spaces, in half width, and with all kinds of brackets as one.
    """
    document = unicodedata.normalize("NFKC", "".join(document_number.split()).translate(_BRACKETS))
    return stable_id("decision", subject, domain_id, list_kind.value, document)
