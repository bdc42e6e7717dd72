"""In which language a caller is answered: Chinese unless `Accept-Language` prefers English (RFC 9110, 12.5.4)."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import lru_cache


class Language(StrEnum):
    """The value is the language tag that stands in `Content-Language`."""

    ZH = "zh-CN"
    EN = "en"


_spoken: ContextVar[Language] = ContextVar("language", default=Language.ZH)


def language() -> Language:
    """The language of the request that is being answered."""
    return _spoken.get()


@contextmanager
def speaking(chosen: Language) -> Generator[None]:
    """Answer in this language within the block."""
    before = _spoken.set(chosen)
    try:
        yield
    finally:
        _spoken.reset(before)


@lru_cache(maxsize=256)
def preferred(accept_language: str) -> Language:
    """The better liked of our two languages; of equals the one named first; Chinese when neither is named."""
    liked: dict[str, float] = {}
    for part in accept_language[:500].split(","):
        tag, _, parameters = part.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        if primary and primary not in liked:
            liked[primary] = _quality(parameters)
    anything = liked.get("*", 0.0)
    zh, en = liked.get("zh", anything), liked.get("en", anything)
    if zh == en:
        named_first = next((primary for primary in liked if primary in ("zh", "en")), "zh")
        return Language.EN if named_first == "en" and en > 0 else Language.ZH
    return Language.EN if en > zh else Language.ZH


def _quality(parameters: str) -> float:
    """The `q` of one range; a malformed one counts as not wanted."""
    name, _, value = parameters.partition("=")
    if not name.strip():
        return 1.0
    try:
        quality = float(value) if name.strip().lower() == "q" else 1.0
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
