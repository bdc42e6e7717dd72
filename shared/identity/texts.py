"""Invisible characters, and characters that replace lost ones, in texts that people and programs compare.

Two texts that look the same must be the same: a decision was published twice because its number had a zero width space. So
names, document numbers and numbers with such a character are refused and the character is named. None is dropped in silence.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping

from shared.rejection import Fault, Rejected

LONGEST_JUDGED = 20_000
"""Characters. Longer texts exceed the limit of every field, and are refused for that."""

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_DIRECTIONAL = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ANY_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LOST = re.compile(
    "[\ufffd\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\ue000-\uf8ff\U000f0000-\U000fffff\U00100000-\U0010ffff]|锟斤拷|烫烫烫"
)
_LATIN_REMAINS = re.compile("[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u0178\u0192\u02c6\u02dc\u2013-\u2122]")
"""UTF-8 that was read as Latin-1 or Windows-1252."""


def is_damaged(text: str) -> bool:
    """Whether the text was decoded wrongly (乱码): replacement or private-use characters, or UTF-8 read as Latin-1."""
    return _LOST.search(text) is not None or (_LATIN_REMAINS.search(text) is not None and _was_utf8(text))


def _was_utf8(text: str) -> bool:
    """Whether bytes of the text are characters of UTF-8 beyond the Latin ones. Bytes that were lost on the way are left out."""
    read = (text.encode(encoding, "ignore").decode("utf-8", "ignore") for encoding in ("latin-1", "cp1252"))
    return any(character >= "\u0800" for one in read for character in one)


def unclean(text: str, field: str | None) -> Fault | None:
    """The fault of a name or a number: `text_control_character`, `text_invisible_character`, `text_damaged`; or None.

    Facts: `position`, counted from 1, and the code point as `character`.
    """
    if text.isascii() and text.isprintable():
        return None
    if is_damaged(text):
        return Fault("text_damaged", field)
    for pattern, code in ((_ANY_CONTROL, "text_control_character"), (_INVISIBLE, "text_invisible_character")):
        found = pattern.search(text)
        if found:
            return Fault(code, field, _place(found))
    return None


def reject_unclean(text: str, field: str | None) -> None:
    """Raises Rejected with the fault of `unclean`, surrounding spaces left out."""
    fault = unclean(text[:LONGEST_JUDGED].strip(), field)
    if fault is not None:
        raise Rejected(fault)


def unclean_prose(text: str, field: str | None) -> Fault | None:
    """The fault of a free text. Line breaks and tabs are allowed, and invisible characters that reorder nothing."""
    if text.isascii() and text.isprintable():
        return None
    for pattern, code in ((_CONTROL, "text_control_character"), (_DIRECTIONAL, "text_invisible_character")):
        found = pattern.search(text)
        if found:
            return Fault(code, field, _place(found))
    return None


def _place(found: re.Match[str]) -> dict[str, object]:
    return {"position": found.start() + 1, "character": f"U+{ord(found[0]):04X}"}


def unclean_faults(exact: Mapping[str, str], prose: Mapping[str, str]) -> Iterator[Fault]:
    """The faults of names, document numbers and numbers (`exact`) and of free texts (`prose`): field → text."""
    for texts, judge in ((exact, unclean), (prose, unclean_prose)):
        for field, text in texts.items():
            fault = judge(text[:LONGEST_JUDGED].strip(), field)
            if fault is not None:
                yield fault


def without_letters(name: str) -> bool:
    """Whether a name has no letter and no digit: `-`, `？`, or nothing that can be seen."""
    return not any(unicodedata.category(character)[0] in "LN" for character in name[:LONGEST_JUDGED])
