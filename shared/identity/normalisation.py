"""Normalises a number before it is validated: half width, upper case, without spaces and hyphens.

Only the notation changes. A wrong character stays wrong: nothing is guessed or corrected.
"""

import re
import unicodedata

_SPACES_AND_HYPHENS = re.compile(r"[\s\-\u2010-\u2015\u2212]+")


def normalised(text: str) -> str:
    """The number as it is compared: Unicode NFKC (full width to half width), upper case, no spaces, no hyphens."""
    return _SPACES_AND_HYPHENS.sub("", unicodedata.normalize("NFKC", text)).upper()
