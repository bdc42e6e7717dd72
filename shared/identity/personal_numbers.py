"""Identity numbers of natural persons (公民身份号码) in free text: found, masked, rejected (row 25).

Free text is in clear in events, responses and logs, and events are never deleted. Callers also put numbers into paths and
headers.
"""

import re
from collections.abc import Iterator, Mapping

from shared.rejection import Fault

_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_RESIDENT_ID = re.compile(rf"(?<!\d)(?:\d{{6}}(?:18|19|20)\d{{2}}{_DAY}\d{{3}}[\dXx]|\d{{8}}{_DAY}\d{{3}})(?![\dXx])")


def contains_personal_number(text: str) -> bool:
    """True when part of the text has the form of a resident identity number, of 18 or 15 characters."""
    return _RESIDENT_ID.search(text) is not None


def mask_personal_numbers(text: str) -> str:
    """The text with each such number replaced by `*`."""
    return _RESIDENT_ID.sub("*", text)


def personal_number_faults(texts: Mapping[str, str | None]) -> Iterator[Fault]:
    """`personal_number_in_text` for each field whose text contains such a number. `texts`: field → free text."""
    for field, text in texts.items():
        if text and contains_personal_number(text):
            yield Fault("personal_number_in_text", field)
