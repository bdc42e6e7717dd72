"""The language of a response: Chinese, unless `Accept-Language` prefers English (RFC 9110, 12.5.4)."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import lru_cache


class Language(StrEnum):
    """The value is the language tag in `Content-Language`."""

    ZH = "zh-CN"
    EN = "en"


_language: ContextVar[Language] = ContextVar("language", default=Language.ZH)


def language() -> Language:
    """The language of the response to the current request."""
    return _language.get()


@contextmanager
def use_language(chosen: Language) -> Generator[None]:
    """Texts of the block are in this language."""
    token = _language.set(chosen)
    try:
        yield
    finally:
        _language.reset(token)


@lru_cache(maxsize=256)
def preferred(accept_language: str) -> Language:
    """The preferred one of our two languages; of equals the one named first; Chinese if neither is named."""
    qualities: dict[str, float] = {}
    for part in accept_language[:500].split(","):
        tag, _, parameters = part.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        if primary and primary not in qualities:
            qualities[primary] = _quality(parameters)
    wildcard = qualities.get("*", 0.0)
    zh, en = qualities.get("zh", wildcard), qualities.get("en", wildcard)
    if zh == en:
        named_first = next((primary for primary in qualities if primary in ("zh", "en")), "zh")
        return Language.EN if named_first == "en" and en > 0 else Language.ZH
    return Language.EN if en > zh else Language.ZH


def _quality(parameters: str) -> float:
    """The `q` of one language range; 0 if it is malformed."""
    name, _, value = parameters.partition("=")
    if not name.strip():
        return 1.0
    try:
        quality = float(value) if name.strip().lower() == "q" else 1.0
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
