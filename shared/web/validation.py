"""What pydantic finds wrong with a request, as faults: the field and the reason, never the value that was sent.

A validator that knows better raises `PydanticCustomError` with a code of the wording, and is answered with that code.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from fastapi.exceptions import RequestValidationError

from shared.rejection import Fault
from shared.web.wording import Term, Wording

MOST_FAULTS = 100
"""A list of a thousand wrong rows is answered with the first of them."""

_OF_THE_SCHEMA = {
    *("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "actual_length"),
    *(
        "expected",
        "expected_tags",
        "expected_schemes",
        "discriminator",
        "pattern",
        "max_digits",
        "decimal_places",
        "whole_digits",
    ),
}
"""Context that comes from our own schema; the rest of pydantic's context can hold what was sent."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


def faults_of(error: RequestValidationError, wording: Wording) -> tuple[Fault, ...]:
    """One fault for each finding, in pydantic's order."""
    found = cast("Iterable[Mapping[str, Any]]", error.errors())
    unread = isinstance(cast("object", error.body), bytes)
    return tuple(_fault(one, wording, unread) for one, _ in zip(found, range(MOST_FAULTS), strict=False))


def _fault(found: Mapping[str, Any], wording: Wording, body_is_unread: bool) -> Fault:
    kind, where = str(found["type"]), tuple(found["loc"])
    context: Mapping[str, object] = found.get("ctx") or {}
    if kind in wording.phrases:
        return Fault(kind, field_of(where), dict(context))
    if kind == "json_invalid":
        return Fault("body_not_json")
    if where == ("body",) and kind == "missing":
        return Fault("body_missing")
    if where == ("body",) and body_is_unread:
        return Fault("unsupported_media_type")
    if kind == "missing":
        return Fault("field_missing", field_of(where))
    facts = {name: value for name, value in context.items() if name in _OF_THE_SCHEMA}
    reason = f"invalid.{kind}" if f"invalid.{kind}" in wording.terms else "invalid.other"
    return Fault("field_invalid", field_of(where), {"reason": Term(reason, facts)})


def field_of(where: tuple[int | str, ...]) -> str | None:
    """The JSON path of a finding: `decision.decided_on`, `responsible[0].role`, `query.known_at`; None for the body.

    A key that is not a name was chosen by the caller and may say anything: it becomes `*`.
    """
    path = ""
    for step in where[1:] if where[:1] == ("body",) else where:
        if isinstance(step, int):
            path += f"[{step}]"
        elif "[" not in step and "(" not in step:  # those are pydantic's own steps, such as `list[str]`
            path += ("." if path else "") + (step if _NAME.fullmatch(step) else "*")
    return path or None
