"""The form in which headings, keys and coded values are compared."""

import unicodedata

LONGEST_WORD = 100
"""Characters. Longer text is no heading and no coded value, and is not normalised: that would take time by its square."""


def plain(heading: str) -> str:
    """A heading or coded value in the form in which they are compared: half width, lower case, without spaces."""
    if len(heading) > LONGEST_WORD:
        return heading
    return "".join(unicodedata.normalize("NFKC", heading).split()).lower()
