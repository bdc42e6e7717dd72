"""JSON with one meaning only: a repeated key is an error. Other readers silently take the last value."""

import json
from typing import Any

import orjson


class KeyTwice(ValueError):
    """An object has a key twice."""


def strict_json(text: str) -> Any:
    """The value. Raises ValueError when it is not JSON, and KeyTwice. Nesting is limited (ValueError)."""
    value = orjson.loads(text)  # refuses NaN, lone surrogates and deep nesting
    try:
        json.loads(text, object_pairs_hook=unique_keys)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object with these members: an `object_pairs_hook` of `json.loads`. Raises KeyTwice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise KeyTwice("a key comes twice")
    return found
