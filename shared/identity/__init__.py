"""Identity of subjects: validation of numbers, stable keys, encryption of personal data.

The key of a legal person is its credit code, the key of a natural person a keyed hash. An invalid number is rejected with the
reason.
"""

from shared.identity.credit_code import CreditCode, credit_code, is_credit_code
from shared.identity.keys import SubjectKeys, key_to_show, kind_of
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
    "key_to_show",
    "kind_of",
    "load_or_make_secrets",
    "load_secrets",
    "make_secrets",
    "mask_name",
    "parse_secrets",
    "resident_id",
]
