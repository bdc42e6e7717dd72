"""The key of a subject: its stable name in streams, topics, URLs and logs. A personal number never appears there.

The key of a legal person is `uscc:` and its credit code. That of a natural person is `person:` and a keyed hash of the identity
number: without the secret, an attacker cannot try all numbers to find the person. Any other key is scheme and number. The same
secret gives the same keys in every service, for as long as the records are kept.
"""

import hmac
import re
import unicodedata

from shared.contracts.event import SubjectKey
from shared.contracts.lawbook import SubjectKind
from shared.identity.credit_code import credit_code
from shared.identity.normalisation import LONGEST_NUMBER
from shared.identity.resident_id import is_resident_id, resident_id
from shared.identity.texts import reject_unclean
from shared.rejection import reject

LEGAL_SCHEME = "uscc"
PERSON_SCHEME = "person"
PERSONAL_PREFIX = "person-"
"""Prefix of schemes for other documents of a natural person (`person-passport`): hashed like the identity number."""

MAX_NUMBER_LENGTH = 64
MIN_SECRET_BYTES = 32

_SCHEME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class SubjectKeys:
    """Derives keys of subjects with one secret (at least 32 bytes; HMAC-SHA256)."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MIN_SECRET_BYTES:
            raise ValueError(f"the secret of subject keys needs at least {MIN_SECRET_BYTES} bytes")
        self._secret = secret

    def legal(self, code: str, field: str | None = None) -> SubjectKey:
        """A legal person by its credit code. Raises what `credit_code` raises."""
        return SubjectKey(f"{LEGAL_SCHEME}:{credit_code(code, field)}")

    def person(self, number: str, field: str | None = None) -> SubjectKey:
        """A natural person by the identity number. Raises what `resident_id` raises."""
        return self._hashed(PERSON_SCHEME, resident_id(number, field))

    def other(self, scheme: str, number: str, field: str | None = None) -> SubjectKey:
        """Any other subject by scheme and number (`vessel`, `foreign-company`, `person-passport`).

        Raises Rejected with `subject_scheme` (lower-case letters, digits, `_` and `-`, at most 32, and not one of the
        two schemes with their own rules), what `unclean` finds, `subject_number` (1 to 64 printable characters) or
        `subject_number_is_personal` (a personal number, which would be stored in clear).
        """
        if scheme in (LEGAL_SCHEME, PERSON_SCHEME) or not _SCHEME.fullmatch(scheme):
            raise reject("subject_scheme", field, scheme=_shown_scheme(scheme))
        reject_unclean(number, field)
        normal = unicodedata.normalize("NFKC", number).strip() if len(number) <= LONGEST_NUMBER else number
        if not 1 <= len(normal) <= MAX_NUMBER_LENGTH or not normal.isprintable():
            raise reject("subject_number", field, longest=MAX_NUMBER_LENGTH, length=len(normal))
        if scheme.startswith(PERSONAL_PREFIX):
            return self._hashed(scheme, normal.upper())
        if is_resident_id(normal):
            raise reject("subject_number_is_personal", field)
        return SubjectKey(f"{scheme}:{normal}")

    def of(self, scheme: str, number: str, field: str | None = None) -> SubjectKey:
        """The key of a subject of this scheme: `uscc`, `person` or another. Raises Rejected as the other methods."""
        if scheme == LEGAL_SCHEME:
            return self.legal(number, field)
        if scheme == PERSON_SCHEME:
            return self.person(number, field)
        return self.other(scheme, number, field)

    def _hashed(self, scheme: str, number: str) -> SubjectKey:
        message = number if scheme == PERSON_SCHEME else f"{scheme}:{number}"
        return SubjectKey(f"{scheme}:{hmac.digest(self._secret, message.encode(), 'sha256').hex()}")

    def __repr__(self) -> str:
        return "SubjectKeys(secret not shown)"


def organisation_of(key: SubjectKey) -> str:
    """The kind of organisation of a legal person: the first two characters of its credit code. Empty for any other subject."""
    scheme, _, code = key.partition(":")
    return code[:2] if scheme == LEGAL_SCHEME else ""


def key_to_show(key: SubjectKey | None) -> SubjectKey | None:
    """The key as an answer over HTTP may have it: None for a natural person, whose key no caller learns (row 25)."""
    return None if key is None or kind_of(key) is SubjectKind.PERSON else key


def _shown_scheme(scheme: str) -> str:
    """A wrong scheme as it may be repeated: a number or a name that slipped into this field must not be shown."""
    return scheme if len(scheme) <= 32 and scheme.isascii() and not any(map(str.isdigit, scheme)) else "*"


def kind_of(key: SubjectKey) -> SubjectKind:
    """The kind of subject with this key: a legal person, a natural person, or another subject."""
    scheme = key.partition(":")[0]
    if scheme == LEGAL_SCHEME:
        return SubjectKind.LEGAL
    if scheme == PERSON_SCHEME or scheme.startswith(PERSONAL_PREFIX):
        return SubjectKind.PERSON
    return SubjectKind.OTHER
