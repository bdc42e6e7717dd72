"""Normalises a number before it is validated: half width, upper case, without spaces and hyphens.

Only the notation changes. A wrong character stays wrong: nothing is guessed or corrected.
"""

import re
import unicodedata

LONGEST_NUMBER = 200
"""Characters of the longest text that is normalised: NFKC takes time by the square of the marks that follow a letter."""

_SPACES_AND_HYPHENS = re.compile(r"[\s\-\u2010-\u2015\u2212]+")


def normalised(text: str) -> str:
    """The number as it is compared: Unicode NFKC (full width to half width), upper case, no spaces, no hyphens.

    A longer text than any number is returned as it is: it is refused for its length.
    """
    if len(text) > LONGEST_NUMBER:
        return text
    return _SPACES_AND_HYPHENS.sub("", unicodedata.normalize("NFKC", text)).upper()
