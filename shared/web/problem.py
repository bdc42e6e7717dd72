"""Rejections and errors as RFC 9457 problem documents: what is wrong, why, and what to do, in the caller's language.

A problem never repeats what the caller sent (it may contain a personal number) and never shows internals of a service. The
correlation id leads from the response to the log.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, cast

import orjson
from asyncpg.exceptions import DataError as InvalidArgument
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.exceptions import HTTPException

from shared.database import is_outage, sql_state
from shared.identity.personal_numbers import mask_personal_numbers
from shared.rejection import Fault, Named, Rejected
from shared.telemetry.requests import route_of
from shared.web.correlation import correlation
from shared.web.language import language
from shared.web.validation import MAX_FAULTS, faults_of
from shared.web.wording import Term, Wording

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
SEVERAL = "several_faults"

_BY_STATUS = {
    400: "body_unreadable",  # what FastAPI raises when it cannot parse a body
    404: "unknown_route",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "body_too_large",
    415: "unsupported_media_type",
}
_UNSTORABLE_TEXT = {"22021", "22P05"}
"""SQLSTATEs for a NUL character: it is valid in JSON, but PostgreSQL cannot store it."""


class ProblemFault(BaseModel):
    """One fault of the request. `facts` are values for programs, such as the current version."""

    model_config = ConfigDict(frozen=True)

    code: str
    field: str | None = Field(
        description="JSON path in the body (`decision.decided_on`), or `query.`, `path.`, `header.`"
    )
    detail: str
    remedy: str
    facts: dict[str, Any] = {}


class Problem(BaseModel):
    """RFC 9457 with additional members. `code` and `faults[].code` are stable; the texts are for people."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="`urn:liandong:problem:<code>`")
    title: str
    status: int
    detail: str
    instance: str = Field(description="The path of the request")
    code: str
    remedy: str
    correlation_id: str
    faults: list[ProblemFault]


def problem_of(wording: Wording, faults: Sequence[Fault], instance: str, status: int | None = None) -> Problem:
    """The problem for these faults. Several faults get a summary. The status is that of the first fault, unless given.

    The first hundred faults are listed; the summary has the number of all.
    """
    summary = faults[0] if len(faults) == 1 else Fault(SEVERAL, None, {"count": len(faults)})
    phrase = wording.phrase(summary.code)
    return Problem(
        type=f"urn:liandong:problem:{summary.code}",
        title=wording.fill(phrase.title, summary),
        status=status or wording.phrase(faults[0].code).status,
        detail=wording.fill(phrase.detail, summary),
        instance=mask_personal_numbers(instance),
        code=summary.code,
        remedy=wording.fill(phrase.remedy, summary),
        correlation_id=correlation(),
        faults=[_worded(wording, fault) for fault in faults[:MAX_FAULTS]],
    )


def _worded(wording: Wording, fault: Fault) -> ProblemFault:
    phrase = wording.phrase(fault.code)
    return ProblemFault(
        code=fault.code,
        field=fault.field,
        detail=wording.fill(phrase.detail, fault),
        remedy=wording.fill(phrase.remedy, fault),
        facts={name: _plain(fact) for name, fact in fault.facts.items()},
    )


def _plain(fact: object) -> object:
    """A fact as JSON: a term by its code, a named item by its id."""
    match fact:
        case None | bool() | int() | float():
            return fact
        case Term():
            return fact.code
        case Named():
            return fact.id
        case StrEnum():
            return fact.value
        case date():
            return fact.isoformat()
        case list() | tuple() | set() | frozenset():
            return [_plain(item) for item in cast("Sequence[object]", fact)]
        case _:
            return str(fact)


def problem_response(
    wording: Wording,
    faults: Sequence[Fault],
    instance: str,
    headers: Mapping[str, str] | None = None,
    status: int | None = None,
) -> Response:
    """The problem as a response, with the headers that its status asks for."""
    problem = problem_of(wording, faults, instance, status)
    all_headers = {**(headers or {}), "content-language": language().value, "vary": "Accept-Language"}
    retry_after = faults[0].facts.get("retry_after", wording.phrase(faults[0].code).retry_after)
    if retry_after is not None:
        all_headers["retry-after"] = str(retry_after)
    if problem.status == 401:
        all_headers["www-authenticate"] = _challenge(faults[0])
    return Response(orjson.dumps(problem.model_dump()), problem.status, all_headers, MEDIA_TYPE)


def _challenge(fault: Fault) -> str:
    """RFC 6750, 3: the header names an error only if the request had a token."""
    reason = fault.facts.get("reason")
    if not isinstance(reason, Term) or reason.code == "token.missing":
        return 'Bearer realm="liandong"'
    return f'Bearer realm="liandong", error="invalid_token", error_description="{reason.code}"'


def install_problems(app: FastAPI, wording: Wording) -> None:
    """Answer every rejection and error of the application with a problem from now on."""
    handlers = _Handlers(wording)
    app.add_exception_handler(Rejected, handlers.rejected)
    app.add_exception_handler(RequestValidationError, handlers.invalid)
    app.add_exception_handler(HTTPException, handlers.http)
    for kind in (OSError, TimeoutError, PoolExhausted, DBAPIError):
        app.add_exception_handler(kind, handlers.outage)
    app.add_exception_handler(Exception, handlers.failed)


class BodyRefused(HTTPException):
    """The body was rejected while it was read. FastAPI passes on only this type from there."""

    def __init__(self, rejected: Rejected) -> None:
        super().__init__(400)
        self.faults = rejected.faults


class _Handlers:
    """One method for each type of exception. Starlette gives all handlers one type, so each asserts its own exception type."""

    def __init__(self, wording: Wording) -> None:
        self.wording = wording

    def _respond(
        self, request: Request, *faults: Fault, headers: Mapping[str, str] | None = None, status: int | None = None
    ) -> Response:
        return problem_response(self.wording, faults, request.scope["path"], headers, status)

    async def rejected(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, Rejected)
        return self._respond(request, *(error.faults or (Fault("unworded"),)))

    async def invalid(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return self._respond(request, *faults_of(error, self.wording))

    async def http(self, request: Request, error: Exception) -> Response:
        """Errors raised by Starlette and FastAPI: an unknown route, a wrong method, too large a body."""
        assert isinstance(error, HTTPException)
        if isinstance(error, BodyRefused):
            return self._respond(request, *error.faults)
        if error.status_code < 400:
            return Response(status_code=error.status_code, headers=error.headers)
        headers = dict(error.headers or {})
        code = _BY_STATUS.get(error.status_code, "http_refused")
        facts: dict[str, object] = {"status": error.status_code}
        if error.status_code == 405:
            facts["allowed"] = headers.get("Allow", headers.get("allow", "")).split(", ")
        return self._respond(request, Fault(code, None, facts), headers=headers, status=error.status_code)

    async def outage(self, request: Request, error: Exception) -> Response:
        """The database or the network does not answer. The request may be valid, and the caller should repeat it."""
        if isinstance(error, DBAPIError):
            if sql_state(error) in _UNSTORABLE_TEXT:
                return self._respond(request, Fault("text_not_storable"))
            if _is_programming_error(error):
                raise error
        log.error("outage in %s (correlation %s)", _route(request), correlation(), exc_info=error)
        return self._respond(request, Fault("unavailable"))

    async def failed(self, request: Request, error: Exception) -> Response:
        """An error in this program. The exception goes to the log only."""
        log.error("failure in %s (correlation %s)", _route(request), correlation(), exc_info=error)
        return self._respond(request, Fault("internal_error"))


def _route(request: Request) -> str:
    """Method and route template for the log: the path itself can name a subject."""
    return f"{request.method} {route_of(request.scope)}"


def _is_programming_error(error: DBAPIError) -> bool:
    """The database refused our statement or an argument of it. A retry would fail again."""
    cause = getattr(error.orig, "__cause__", None)
    return isinstance(cause, InvalidArgument) or not is_outage(error)


def problem_responses() -> dict[int | str, dict[str, Any]]:
    """The error responses for OpenAPI: every rejection (4XX) and error (5XX) of every route has this shape."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "4XX": {"description": "拒绝及其理由与补救办法 / Refused, with reason and remedy", "content": content},
        "5XX": {"description": "系统故障或暂不可用 / Failed or unavailable", "content": content},
    }
