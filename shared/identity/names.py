"""Names of subjects as they are compared: never as they are stored or shown.

The same company is written with half-width and full-width brackets and letters, in upper and lower case, with and without spaces,
in traditional and simplified characters. `matching_name` gives one text for all of them. Characters are converted one by one, so
that the matching text of a part of a name is a part of the matching text of the name.
"""

import unicodedata
from functools import cache, lru_cache
from typing import Protocol, cast

import opencc

_BRACKETS = str.maketrans("[{〈《「『【〔〖", "(" * 9) | str.maketrans("]}〉》」』】〕〗", ")" * 9)


class _Converter(Protocol):
    def convert(self, text: str) -> str: ...


def matching_name(name: str) -> str:
    """The name as it is compared: NFKC, lower case, simplified, one form of brackets, without white space.

    Limit the length of text from outside first: NFKC takes quadratic time on long runs of combining marks.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(map(_simplified, "".join(folded.split()))).translate(_BRACKETS)


def bigrams(matching: str) -> list[str]:
    """The pairs of neighbouring characters, each once, in order of first appearance. Empty for fewer than two characters."""
    return list(dict.fromkeys(matching[at : at + 2] for at in range(len(matching) - 1)))


@lru_cache(maxsize=16_384)
def _simplified(character: str) -> str:
    """A phrase can convert differently from its characters (乾坤, 乾), and a part of a name must match the whole: no phrases."""
    return character if character.isascii() else _converter().convert(character)


@cache
def _converter() -> _Converter:
    """Traditional to simplified. Its dictionaries are read when they are first needed."""
    return cast("_Converter", opencc.OpenCC("t2s"))
