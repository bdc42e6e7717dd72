"""Routers whose routes identify the caller before they read the body, and read JSON strictly.

FastAPI parses a body before it resolves dependencies. So a caller without a token could make a service parse megabytes.
"""

import json
from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any, NoReturn

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from shared.files.strict_json import KeyTwice, unique_keys
from shared.rejection import Rejected, reject
from shared.web.access import Requirement
from shared.web.problem import BodyRefused

MANY_ITEMS_BYTES = 4 * 1024 * 1024
"""The largest body of a route that takes up to a thousand items, or a whole law book."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class CheckedRoute(APIRoute):
    """A route that checks the caller, then reads the body, then resolves the other dependencies."""

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()
        requirements = [*_requirements(self.dependant)]

        async def handle(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            for requirement in requirements:
                await requirement(strict)
            return await handler(strict)

        return handle


class Router(APIRouter):
    """An `APIRouter` of checked routes. Every router of a service is one; a test checks it."""

    def __init__(
        self, *, prefix: str = "", tags: list[str | Enum] | None = None, max_body_size: int | None = None
    ) -> None:
        """`max_body_size`: bytes, for the routes that take many items at once."""
        super().__init__(prefix=prefix, tags=tags, route_class=CheckedRoute, max_body_size=max_body_size)


def _requirements(dependant: Dependant) -> list[Requirement]:
    """The requirements of a route and of the dependencies of its dependencies."""
    own = [dependant.call] if isinstance(dependant.call, Requirement) else []
    return [*own, *(one for child in dependant.dependencies for one in _requirements(child))]


class StrictRequest(Request):
    """A request whose JSON body has one meaning only.

    Refused are keys that occur twice in an object, NaN and Infinity, halves of surrogate pairs, and encodings other than UTF-8.
    """

    async def json(self) -> Any:
        """Raises BodyRefused (`json_key_twice`, `text_not_unicode`), json.JSONDecodeError, UnicodeDecodeError."""
        if not hasattr(self, "_json"):
            try:
                self._json: Any = parse_json(await self.body())
            except Rejected as rejected:
                raise BodyRefused(rejected) from None
        return self._json


def parse_json(body: bytes) -> Any:
    """The value of a JSON text in UTF-8.

    Raises Rejected: `json_key_twice`, `text_not_unicode`; json.JSONDecodeError; UnicodeDecodeError.
    """
    text = body.decode()
    try:
        value = json.loads(text, object_pairs_hook=unique_keys, parse_constant=_not_a_number)
    except KeyTwice:
        raise reject("json_key_twice") from None
    if "\\ud" in text or "\\uD" in text:
        _require_unicode(value)
    return value


def _not_a_number(constant: str) -> NoReturn:
    raise json.JSONDecodeError(f"{constant} is not JSON", "", 0)


def _require_unicode(value: object) -> None:
    """Half of a surrogate pair is valid in JSON, but no database and no file can store it."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise reject("text_not_unicode") from None


def checked(router: APIRouter) -> None:
    """Make the routes that are added to this router from now on checked routes."""
    router.route_class = CheckedRoute
