"""The unified social credit code (统一社会信用代码, GB 32100-2015), the index of every legal person (row 10).

An invalid code is rejected with the reason; it is never guessed or corrected. The division code (characters 3 to 8) is never a
reason to reject: many valid codes contain a division that was abolished since.
"""

import re
from typing import NewType

from stdnum.cn import uscc

from shared.identity.normalisation import normalised
from shared.identity.texts import reject_unclean
from shared.rejection import Rejected, reject

CreditCode = NewType("CreditCode", str)
"""A valid code: 18 characters, upper case, with a correct check character."""

LENGTH = 18
OLD_NUMBER_LENGTHS = (13, 15)  # 工商注册号, before 2007 with 13 digits; replaced by the credit code since October 2015
_ORGANISATION_CODE = re.compile(
    r"[0-9A-Z]{8}[0-9X]"
)  # 组织机构代码, GB 11714, often with a hyphen before the last character

_DIGITS = frozenset("0123456789")
_CHARACTERS = frozenset("0123456789ABCDEFGHJKLMNPQRTUWXY")  # GB 32100: no I, O, S, V, Z
# Registering authorities (登记管理部门): digits from the standard; A, G, N and Y were added since 2016. The library still
# refuses these, so only its check-digit algorithm is used here.
_AUTHORITIES = _DIGITS | frozenset("AGNY")
_ALLOWED = (_AUTHORITIES, *(_DIGITS,) * 7, *(_CHARACTERS,) * 10)


def credit_code(text: str, field: str | None = None) -> CreditCode:
    """The code in `text`, normalised.

    Raises Rejected with what `unclean` finds, or one of `credit_code_is_old_number` (13 or 15 digits),
    `credit_code_is_organisation_code`, `credit_code_is_text`, `credit_code_length` (fact `length`), `credit_code_character`
    (facts `position`, counted from 1, and `character`), `credit_code_check_digit`. The facts never contain the text: it may be a
    personal number that was typed into the wrong field.
    """
    reject_unclean(text, field)
    code = normalised(text)
    if len(code) in OLD_NUMBER_LENGTHS and _DIGITS.issuperset(code):
        raise reject("credit_code_is_old_number", field, length=len(code))
    if _ORGANISATION_CODE.fullmatch(code):
        raise reject("credit_code_is_organisation_code", field)
    if code and not _DIGITS.intersection(code):
        raise reject("credit_code_is_text", field)
    if len(code) != LENGTH:
        raise reject("credit_code_length", field, length=len(code))
    for position, (character, allowed) in enumerate(zip(code, _ALLOWED, strict=True), start=1):
        if character not in allowed:
            raise reject("credit_code_character", field, position=position, character=character)
    if code[-1] != uscc.calc_check_digit(code):
        raise reject("credit_code_check_digit", field)
    return CreditCode(code)


ENTERPRISE = "91"
"""First two characters of the code of an enterprise: 工商 (9), 企业 (1)."""
COOPERATIVE = "93"
"""First two characters of the code of a farmers' cooperative (农民专业合作社)."""


def is_credit_code(text: str) -> bool:
    """Whether `text` is a valid code."""
    try:
        credit_code(text)
    except Rejected:
        return False
    return True
