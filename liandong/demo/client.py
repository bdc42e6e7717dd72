"""A client of the services, as any department's system would implement it: bearer tokens, Idempotency-Keys, paging, retries.

A request without a response is sent again with the same key. A response with Retry-After is repeated after that time.
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
_MAX_PAUSE_SECONDS = 5.0
_TOKEN_MINUTES = 480
_RENEW_AFTER_SECONDS = 0.5 * _TOKEN_MINUTES * 60


@dataclass(frozen=True, slots=True)
class Officer:
    """The caller of a request: an account of a department with its roles."""

    account: str
    department: str | None
    roles: tuple[OfficerRole, ...]


class RequestRefused(Exception):
    """A service answered with an error that a retry cannot repair."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        problem: dict[str, Any] = _problem(response)
        self.code = str(problem.get("code", ""))
        detail = problem.get("detail") or response.text[:500]
        faults = "; ".join(f"{one['field']}: {one['detail']}" for one in problem.get("faults", []))
        super().__init__(f"{response.request.method} {response.request.url.path}: {self.status} {detail} [{faults}]")


def _problem(response: httpx.Response) -> dict[str, Any]:
    if "json" not in response.headers.get("content-type", ""):
        return {}
    return response.json()


@dataclass
class Client:
    """Sends requests to the services behind one address. Every method raises RequestRefused."""

    http: httpx.AsyncClient
    issuer: DevelopmentIssuer
    _tokens: dict[Officer, tuple[float, str]] = field(default_factory=dict[Officer, tuple[float, str]])

    async def get(self, officer: Officer, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """The JSON body of a GET request."""
        return (await self._send(officer, "GET", path, params=dict(params or {}))).json()

    async def text(self, officer: Officer, path: str, language: str) -> str:
        """The text body of a GET request, in a language (`zh`, `en`)."""
        return (await self._send(officer, "GET", path, headers={"Accept-Language": language})).text

    async def pages(
        self, officer: Officer, path: str, params: Mapping[str, str | int] | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Every item of a listing, page by page."""
        query: dict[str, str | int] = {**(params or {}), "limit": PAGE}
        while True:
            page = await self.get(officer, path, query)
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            query["after"] = page["next"]

    async def post(self, officer: Officer, path: str, body: Mapping[str, Any], key: str) -> dict[str, Any]:
        """A POST request; with its key it takes effect once, however often it is sent."""
        return (await self._send(officer, "POST", path, json=body, headers={"Idempotency-Key": key})).json()

    async def upload(self, officer: Officer, path: str, name: str, content: bytes, key: str) -> dict[str, Any]:
        """Upload a file; with its key it takes effect once."""
        file = {"file": (name, content, "text/csv")}
        return (await self._send(officer, "POST", path, files=file, headers={"Idempotency-Key": key})).json()

    async def put(self, officer: Officer, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return (await self._send(officer, "PUT", path, json=body)).json()

    async def _send(
        self, officer: Officer, method: str, path: str, headers: Mapping[str, str] | None = None, **content: Any
    ) -> httpx.Response:
        for attempt in range(1, _TRIES + 1):
            pause = min(0.1 * 2**attempt, _MAX_PAUSE_SECONDS)
            all_headers = {"Authorization": f"Bearer {self._token(officer)}", **(headers or {})}
            try:
                response = await self.http.request(method, path, headers=all_headers, **content)
            except httpx.TransportError:
                if attempt == _TRIES:
                    raise
            else:
                if response.is_success:
                    return response
                later = response.headers.get("retry-after", "")
                if attempt == _TRIES or not (later.isdigit() or response.status_code >= 500):
                    raise RequestRefused(response)
                pause = min(float(later), _MAX_PAUSE_SECONDS) if later.isdigit() else pause
            log.info("%s %s is retried in %.1f s", method, path, pause)
            await asyncio.sleep(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _token(self, officer: Officer) -> str:
        issued_at, token = self._tokens.get(officer, (float("-inf"), ""))
        if time.monotonic() - issued_at > _RENEW_AFTER_SECONDS:
            issued_at = time.monotonic()
            token = self.issuer.issue(officer.department, officer.roles, officer.account, _TOKEN_MINUTES)
            self._tokens[officer] = issued_at, token
        return token


CREDIT_OFFICE = Officer("demo-credit-office", "luoyang-credit-office", (OfficerRole.CREDIT_OFFICE,))
OPERATOR = Officer("demo-operator", None, (OfficerRole.OPERATOR,))


def lister(department: str) -> Officer:
    return Officer("demo-lister", department, (OfficerRole.LISTER,))


def approver(department: str) -> Officer:
    """An account different from the lister's (four-eyes principle)."""
    return Officer("demo-approver", department, (OfficerRole.APPROVER,))


def repairer(department: str) -> Officer:
    return Officer("demo-repairer", department, (OfficerRole.REPAIRER,))


def system(department: str) -> Officer:
    return Officer("demo-system", department, (OfficerRole.SYSTEM,))
