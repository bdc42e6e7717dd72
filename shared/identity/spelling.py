"""One spelling of a number before it is judged: half width, upper case, without spaces and hyphens.

Only the way of writing changes. A character that is wrong stays wrong: nothing is guessed and nothing repaired.
"""

import re
import unicodedata

_SPACES_AND_HYPHENS = re.compile(r"[\s\-\u2010-\u2015\u2212]+")


def spelled(text: str) -> str:
    """The number as it is compared: Unicode NFKC (full width to half width), upper case, no spaces, no hyphens."""
    return _SPACES_AND_HYPHENS.sub("", unicodedata.normalize("NFKC", text)).upper()
