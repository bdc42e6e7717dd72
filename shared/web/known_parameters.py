"""Refusal of unknown query parameters, on every route of every service.

A parameter that a route ignores is a trap: a list that was asked for one region, with a misspelt name, shows every region and
looks complete.
"""

from collections.abc import Callable, Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from shared.lawbook.memo import Memo
from shared.rejection import Fault, Rejected
from shared.web.validation import MAX_FAULTS, field_of

_MOST_REMEMBERED = 1_024
_remembered: Memo[tuple[str, Callable[..., object]], frozenset[str]] = Memo(_MOST_REMEMBERED)


async def refuse_unknown_parameters(request: Request) -> None:
    """A dependency of the application. Raises Rejected (`unknown_parameter`) with one fault for each unknown name."""
    if not request.scope["query_string"]:
        return
    route: object = request.scope["route"]
    if not isinstance(route, APIRoute):
        return
    known = _known(route)
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if unknown:
        facts: dict[str, object] = {"known": sorted(known)}
        raise Rejected(*(Fault("unknown_parameter", field_of(("query", name)), facts) for name in unknown[:MAX_FAULTS]))


def _known(route: APIRoute) -> frozenset[str]:
    key = (route.path, route.endpoint)
    known = _remembered.get(key)
    return _remembered.keep(key, frozenset(_names(route.dependant))) if known is None else known


def _names(dependant: Dependant) -> Iterator[str]:
    """The query parameters of a route and of its dependencies. A parameter that is a model stands for its fields."""
    for parameter in dependant.query_params:
        shape: object = parameter.field_info.annotation
        if isinstance(shape, type) and issubclass(shape, BaseModel):
            yield from (field.alias or name for name, field in shape.model_fields.items())
        else:
            yield parameter.alias
    for dependency in dependant.dependencies:
        yield from _names(dependency)
