"""Validation errors of pydantic as faults: the field and the reason, never the value that was sent.

A validator that raises `PydanticCustomError` with a fault code gets a fault of that code.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from fastapi.exceptions import RequestValidationError

from shared.rejection import Fault
from shared.web.wording import Term, Wording

MAX_FAULTS = 100
"""A list of a thousand invalid rows gets a response with the first hundred."""

_SCHEMA_FACTS = {
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
"""Facts that come from our own schema. Other facts of pydantic's context may contain what was sent."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


def faults_of(error: RequestValidationError, wording: Wording) -> tuple[Fault, ...]:
    """One fault for each validation error, in pydantic's order."""
    details = cast("Iterable[Mapping[str, Any]]", error.errors())
    unparsed = isinstance(cast("object", error.body), bytes)
    return tuple(_fault(detail, wording, unparsed) for detail, _ in zip(details, range(MAX_FAULTS), strict=False))


def _fault(detail: Mapping[str, Any], wording: Wording, body_is_unparsed: bool) -> Fault:
    kind, where = str(detail["type"]), tuple(detail["loc"])
    context: Mapping[str, object] = detail.get("ctx") or {}
    if kind in wording.phrases:
        return Fault(kind, field_of(where), dict(context))
    if kind == "json_invalid":
        return Fault("body_not_json")
    if where == ("body",) and kind == "missing":
        return Fault("body_missing")
    if where == ("body",) and body_is_unparsed:
        return Fault("unsupported_media_type")
    if kind == "missing":
        return Fault("field_missing", field_of(where))
    facts = {name: value for name, value in context.items() if name in _SCHEMA_FACTS}
    reason = f"invalid.{kind}" if f"invalid.{kind}" in wording.terms else "invalid.other"
    return Fault("field_invalid", field_of(where), {"reason": Term(reason, facts)})


def field_of(where: tuple[int | str, ...]) -> str | None:
    """The JSON path of a validation error: `decision.decided_on`, `responsible[0].role`, `query.known_at`; None for the body.

    A key that is not a name comes from the caller and may contain personal data: it becomes `*`.
    """
    path = ""
    for step in where[1:] if where[:1] == ("body",) else where:
        if isinstance(step, int):
            path += f"[{step}]"
        elif "[" not in step and "(" not in step:  # these are pydantic's own steps, such as `list[str]`
            path += ("." if path else "") + (step if _NAME.fullmatch(step) else "*")
    return path or None
