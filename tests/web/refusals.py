"""For the tests of every service: each route refuses callers without a token, with a forged one, and of wrong roles.

    await assert_refusals(service.app, w.http("registry"), lambda roles: w.token("luoyang-court", *roles), public={…})

A route that declares nobody, and is not named as public here, fails the test: forgetting is not possible.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import httpx
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from shared.trust import OfficerRole
from shared.web.access import Requirement

HEALTH = frozenset({"GET /healthz", "GET /readyz"})


@dataclass(frozen=True)
class Guarded:
    """A route, as `GET /v1/entries/{entry_id}`, and who may call it; `requirement` is None when it declares nobody."""

    method: str
    path: str
    requirement: Requirement | None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def address(self) -> str:
        """The path with something for each parameter; a guard answers before anything looks at it."""
        return re.sub(r"\{\w+(?::(\w+))?\}", lambda found: "1" if found[1] in ("int", "float") else "x", self.path)


def guarded_routes(app: FastAPI) -> Iterator[Guarded]:
    """All routes of an application that FastAPI answers, those of included routers too; not its documentation."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute) and context.path:
            requirement = next(_requirements(context.dependant), None)
            for method in sorted(context.methods or ()):
                yield Guarded(method, context.path, requirement)


def _requirements(dependant: Dependant) -> Iterator[Requirement]:
    for needed in dependant.dependencies:
        if isinstance(needed.call, Requirement):
            yield needed.call
        yield from _requirements(needed)


async def assert_refusals(
    app: FastAPI,
    client: httpx.AsyncClient,
    token: Callable[[list[OfficerRole]], str],
    *,
    public: Collection[str] = (),
    any_role: Collection[str] = (),
) -> int:
    """Ask every route as someone who may not. `public` and `any_role` name routes as `GET /v1/lists`.

    `token` issues one for the roles given. Nothing else is sent, so a route must settle who calls before it looks at
    anything else, the Idempotency-Key included. Returns how many routes refused.
    """
    guarded = [route for route in guarded_routes(app) if route.name not in HEALTH and route.name not in public]
    known = {route.name for route in guarded_routes(app)}
    assert {*public, *any_role} <= known, f"no such routes: {({*public, *any_role}) - known}"
    for route in guarded:
        assert route.requirement is not None, f"{route.name} declares nobody: use require(…), or name it as public"
        await _refuses(client, route, None, 401, "unauthenticated")
        await _refuses(client, route, "not.a.token", 401, "unauthenticated")
        if not route.requirement.roles:
            assert route.name in any_role, f"{route.name} lets anyone with a token in: name its roles, or say so here"
            continue
        others = [role for role in OfficerRole if role not in route.requirement.roles]
        assert others, f"{route.name} names every role: use Caller instead"
        await _refuses(client, route, token(others), 403, "forbidden_role")
    return len(guarded)


async def _refuses(client: httpx.AsyncClient, route: Guarded, token: str | None, status: int, code: str) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = await client.request(route.method, route.address, headers=headers)
    assert answer.status_code == status, f"{route.name} answers {answer.status_code}, not {status}: {answer.text}"
    if route.method != "HEAD":
        assert answer.headers["content-type"] == "application/problem+json", route.name
        assert answer.json()["code"] == code, route.name
