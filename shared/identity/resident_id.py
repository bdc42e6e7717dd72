"""The identity number of a natural person (公民身份号码, GB 11643): 18 characters, never in a message or a log.

A rejection names the fault and its position, never the number or a part of it. As for legal persons, the division code is never a
reason to reject. The library's `validate` checks it, so only other functions of the library are used.
"""

from typing import NewType

from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from shared.identity.normalisation import normalised
from shared.identity.texts import reject_unclean
from shared.rejection import Rejected, reject

ResidentId = NewType("ResidentId", str)
"""A valid number. Treat it as a secret: hash it (`SubjectKeys.person`) or encrypt it (`Seal`)."""

LENGTH = 18
OLD_LENGTH = 15  # numbers of before October 1999; since 2013 no document has one

_DIGITS = frozenset("0123456789")


def resident_id(text: str, field: str | None = None) -> ResidentId:
    """The number in `text`, normalised.

    Raises Rejected with what `unclean` finds, or one of `resident_id_is_old_number` (15 digits), `resident_id_is_text`,
    `resident_id_length` (fact `length`), `resident_id_character` (fact `position`, counted from 1),
    `resident_id_check_digit`, `resident_id_date` (no such day in the calendar).
    """
    reject_unclean(text, field)
    number = normalised(text)
    if len(number) == OLD_LENGTH and _DIGITS.issuperset(number):
        raise reject("resident_id_is_old_number", field)
    if number and not _DIGITS.intersection(number):
        raise reject("resident_id_is_text", field)
    if len(number) != LENGTH:
        raise reject("resident_id_length", field, length=len(number))
    for position, character in enumerate(number, start=1):
        if character not in _DIGITS and not (position == LENGTH and character == "X"):
            raise reject("resident_id_character", field, position=position)
    if number[-1] != ric.calc_check_digit(number):
        raise reject("resident_id_check_digit", field)
    try:
        ric.get_birth_date(number)
    except ValidationError:
        raise reject("resident_id_date", field) from None
    return ResidentId(number)


def is_resident_id(text: str) -> bool:
    """Whether `text` is a valid number."""
    try:
        resident_id(text)
    except Rejected:
        return False
    return True
