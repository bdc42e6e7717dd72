"""Numbers of natural persons stay out of answers and logs, also where a caller put one into a path or a header."""

import re

_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_RESIDENT_ID = re.compile(rf"(?<!\d)(?:\d{{6}}(?:18|19|20)\d{{2}}{_DAY}\d{{3}}[\dXx]|\d{{8}}{_DAY}\d{{3}})(?![\dXx])")


def holds_personal_number(text: str) -> bool:
    """True when part of the text has the form of a resident identity number (公民身份号码), of 18 or 15 places."""
    return _RESIDENT_ID.search(text) is not None


def discreet(text: str) -> str:
    """The text with such numbers starred out."""
    return _RESIDENT_ID.sub("*", text)
