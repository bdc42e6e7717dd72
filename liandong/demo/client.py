"""A client of the services, as any department's system would write it: bearer tokens, Idempotency-Keys, pages, retries.

What was sent and not answered is sent again under the same key. What a service asks to be tried later is tried later.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from shared.trust import OfficerRole
from shared.trust.issuer import DevelopmentIssuer

log = logging.getLogger(__name__)

PAGE = 1000
_TRIES = 20
_LONGEST_PAUSE = 5.0
_TOKEN_MINUTES = 480
_RENEWED_AFTER = 0.5 * _TOKEN_MINUTES * 60


@dataclass(frozen=True, slots=True)
class Officer:
    """Who asks: an account of a department with its roles."""

    account: str
    department: str | None
    roles: tuple[OfficerRole, ...]


class RequestRefused(Exception):
    """A service answered with a problem that no retry mends."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        problem: dict[str, Any] = _problem(response)
        self.code = str(problem.get("code", ""))
        told = problem.get("detail") or response.text[:500]
        faults = "; ".join(f"{one['field']}: {one['detail']}" for one in problem.get("faults", []))
        super().__init__(f"{response.request.method} {response.request.url.path}: {self.status} {told} [{faults}]")


def _problem(response: httpx.Response) -> dict[str, Any]:
    if "json" not in response.headers.get("content-type", ""):
        return {}
    return response.json()


@dataclass
class Client:
    """Speaks to the services behind one address."""

    http: httpx.AsyncClient
    issuer: DevelopmentIssuer
    _tokens: dict[Officer, tuple[float, str]] = field(default_factory=dict[Officer, tuple[float, str]])

    async def get(self, who: Officer, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """The answer to a question, read as JSON. Raises RequestRefused."""
        return (await self._send(who, "GET", path, params=dict(params or {}))).json()

    async def text(self, who: Officer, path: str, spoken: str) -> str:
        """The answer to a question, as text in a language (`zh`, `en`). Raises RequestRefused."""
        return (await self._send(who, "GET", path, headers={"Accept-Language": spoken})).text

    async def pages(
        self, who: Officer, path: str, params: Mapping[str, str | int] | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        asked: dict[str, str | int] = {**(params or {}), "limit": PAGE}
        while True:
            page = await self.get(who, path, asked)
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            asked["after"] = page["next"]

    async def post(self, who: Officer, path: str, body: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Write something, once, however often it is sent. Raises RequestRefused."""
        return (await self._send(who, "POST", path, json=body, headers={"Idempotency-Key": key})).json()

    async def upload(self, who: Officer, path: str, name: str, content: bytes, key: str) -> dict[str, Any]:
        """Hand in a file, once. Raises RequestRefused."""
        file = {"file": (name, content, "text/csv")}
        return (await self._send(who, "POST", path, files=file, headers={"Idempotency-Key": key})).json()

    async def put(self, who: Officer, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Raises RequestRefused."""
        return (await self._send(who, "PUT", path, json=body)).json()

    async def _send(
        self, who: Officer, method: str, path: str, headers: Mapping[str, str] | None = None, **sent: Any
    ) -> httpx.Response:
        for tried in range(1, _TRIES + 1):
            pause = min(0.1 * 2**tried, _LONGEST_PAUSE)
            named = {"Authorization": f"Bearer {self._token(who)}", **(headers or {})}
            try:
                response = await self.http.request(method, path, headers=named, **sent)
            except httpx.TransportError:
                if tried == _TRIES:
                    raise
            else:
                if response.is_success:
                    return response
                later = response.headers.get("retry-after", "")
                if tried == _TRIES or not (later.isdigit() or response.status_code >= 500):
                    raise RequestRefused(response)
                pause = min(float(later), _LONGEST_PAUSE) if later.isdigit() else pause
            log.info("%s %s is tried again in %.1f s", method, path, pause)
            await asyncio.sleep(pause)
        raise AssertionError("the last try answers or raises")

    def _token(self, who: Officer) -> str:
        made_at, token = self._tokens.get(who, (float("-inf"), ""))
        if time.monotonic() - made_at > _RENEWED_AFTER:
            made_at, token = (
                time.monotonic(),
                self.issuer.issue(who.department, who.roles, who.account, _TOKEN_MINUTES),
            )
            self._tokens[who] = made_at, token
        return token


CREDIT_OFFICE = Officer("demo-credit-office", "luoyang-credit-office", (OfficerRole.CREDIT_OFFICE,))
OPERATOR = Officer("demo-operator", None, (OfficerRole.OPERATOR,))


def lister(department: str) -> Officer:
    return Officer("demo-lister", department, (OfficerRole.LISTER,))


def approver(department: str) -> Officer:
    """Another account than the lister's: four eyes."""
    return Officer("demo-approver", department, (OfficerRole.APPROVER,))


def repairer(department: str) -> Officer:
    return Officer("demo-repairer", department, (OfficerRole.REPAIRER,))


def system(department: str) -> Officer:
    return Officer("demo-system", department, (OfficerRole.SYSTEM,))
