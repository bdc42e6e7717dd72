"""For the tests of every service: each route refuses callers without a token, with a forged token, and with wrong roles.

    await assert_refusals(service.app, w.http("registry"), lambda roles: w.token("luoyang-court", *roles), public={…})

A route without a requirement that is not named as public fails the test, so no route can be forgotten.
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
    """A route such as `GET /v1/entries/{entry_id}` and its requirement; None if it declares none."""

    method: str
    path: str
    requirement: Requirement | None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def address(self) -> str:
        """The path with a value for each parameter. The requirement is checked before the parameters."""
        return re.sub(r"\{\w+(?::(\w+))?\}", lambda match: "1" if match[1] in ("int", "float") else "x", self.path)


def guarded_routes(app: FastAPI) -> Iterator[Guarded]:
    """All routes of an application, those of included routers too, without its documentation."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute) and context.path:
            requirement = next(_requirements(context.dependant), None)
            for method in sorted(context.methods or ()):
                yield Guarded(method, context.path, requirement)


def _requirements(dependant: Dependant) -> Iterator[Requirement]:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Requirement):
            yield dependency.call
        yield from _requirements(dependency)


async def assert_refusals(
    app: FastAPI,
    client: httpx.AsyncClient,
    token: Callable[[list[OfficerRole]], str],
    *,
    public: Collection[str] = (),
    any_role: Collection[str] = (),
) -> int:
    """Call every route as a caller that may not. `public` and `any_role` name routes such as `GET /v1/lists`.

    `token` issues a token with these roles. The requests have no other content, so a route must check the caller before
    everything else, the Idempotency-Key included. Returns the number of routes that refused.
    """
    guarded = [route for route in guarded_routes(app) if route.name not in HEALTH and route.name not in public]
    known = {route.name for route in guarded_routes(app)}
    assert {*public, *any_role} <= known, f"no such routes: {({*public, *any_role}) - known}"
    for route in guarded:
        assert route.requirement is not None, f"{route.name} declares no caller: use require(…), or name it as public"
        await _refuses(client, route, None, 401, "unauthenticated")
        await _refuses(client, route, "not.a.token", 401, "unauthenticated")
        if not route.requirement.roles:
            assert route.name in any_role, (
                f"{route.name} accepts every valid token: name its roles, or list it under any_role"
            )
            continue
        others = [role for role in OfficerRole if role not in route.requirement.roles]
        assert others, f"{route.name} names every role: use Caller instead"
        await _refuses(client, route, token(others), 403, "forbidden_role")
    return len(guarded)


async def _refuses(client: httpx.AsyncClient, route: Guarded, token: str | None, status: int, code: str) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = await client.request(route.method, route.address, headers=headers)
    assert answer.status_code == status, f"{route.name} has status {answer.status_code}, not {status}: {answer.text}"
    if route.method != "HEAD":
        assert answer.headers["content-type"] == "application/problem+json", route.name
        assert answer.json()["code"] == code, route.name
