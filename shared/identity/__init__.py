"""Who a subject is: its number judged, its stable key, and what is sealed of a natural person.

A legal person is its credit code, a natural person a keyed hash; a number that fails is refused with the reason.
"""

from shared.identity.credit_code import CreditCode, credit_code, is_credit_code
from shared.identity.keys import SubjectKeys, kind_of
from shared.identity.resident_id import ResidentId, is_resident_id, resident_id
from shared.identity.sealing import Seal, Unsealable, mask_name
from shared.identity.secret import (
    BadSecrets,
    IdentitySecrets,
    load_or_make_secrets,
    load_secrets,
    make_secrets,
    parse_secrets,
)

__all__ = [
    "BadSecrets",
    "CreditCode",
    "IdentitySecrets",
    "ResidentId",
    "Seal",
    "SubjectKeys",
    "Unsealable",
    "credit_code",
    "is_credit_code",
    "is_resident_id",
    "kind_of",
    "load_or_make_secrets",
    "load_secrets",
    "make_secrets",
    "mask_name",
    "parse_secrets",
    "resident_id",
]
