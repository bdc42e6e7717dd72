"""An HTTP application of a service, before its routes: problems, language, correlation, limits, health, documentation.

The frame lies around everything, Starlette's own error handling included, so that the answer to an unforeseen failure
carries its correlation id as well. It is plain ASGI: nothing is buffered, and streams stay streams.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from shared.rejection import Fault
from shared.telemetry import traces
from shared.telemetry.requests import Requests, route_of
from shared.telemetry.whose import work_of
from shared.web.correlation import CORRELATION_HEADER, correlated, read_correlation
from shared.web.health import Check, health
from shared.web.language import preferred, speaking
from shared.web.problem import Problem, answer, documented, install_problems
from shared.web.wording import Wording

log = logging.getLogger(__name__)

LARGEST_BODY = 10 * 1024 * 1024
"""Bytes. A route that takes files says `max_body_size=` itself."""

_NONE_OF_ITS_OWN: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI's would tell paths and what exceptions say, and both may hold what is a person's."""

_ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_UNLESS_SET = (b"cache-control", b"no-store")
"""Answers are about subjects: they stay in no cache, unless a route (a published list) says otherwise."""


class Application(FastAPI):
    """A FastAPI application in its frame. Build it with `application()`."""

    wording: Wording
    requests: Requests
    service: str

    def build_middleware_stack(self) -> ASGIApp:
        return Frame(super().build_middleware_stack(), self.wording, self.service, self.requests)

    def openapi(self) -> dict[str, Any]:
        """As FastAPI makes it, with the schema of a problem, to which every route's refusals refer."""
        document = super().openapi()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if "Problem" not in schemas:
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs", {}))
            schemas["Problem"] = problem
        return document


def application(
    name: str,
    *,
    wording: Iterable[Path] = (),
    ready: Mapping[str, Check] | None = None,
    description: str = "",
    version: str = "1",
    lifespan: Lifespan[Any] | None = None,
    largest_body: int = LARGEST_BODY,
) -> Application:
    """An application with `/healthz`, `/readyz`, `/docs` and `/openapi.json`, and no other routes yet.

    `wording` are the files of this service's own codes. Before the first request that needs a caller, `shared.web.access.trust`
    names the verifier of tokens and the law book.
    """
    said = Wording.load(wording)
    app = Application(
        title=f"Liandong {name}",
        description=description,
        version=version,
        lifespan=lifespan,
        docs_url="/docs",
        redoc_url=None,
        openapi_url="/openapi.json",
        responses=documented(),
        max_body_size=largest_body,
        telemetry=_NONE_OF_ITS_OWN,
    )
    app.wording = said
    app.service = name
    app.requests = app.state.requests = Requests(name)
    app.state.wording = said
    install_problems(app, said)
    if ready is not None:
        app.include_router(health(ready))
    return app


class Frame:
    """What surrounds every request: its correlation id and language on the way in, headers on the way out, and its measure."""

    def __init__(self, app: ASGIApp, wording: Wording, service: str, requests: Requests) -> None:
        self.app = app
        self.wording = wording
        self.service = service
        self.requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        correlation_id, trace = read_correlation(headers)
        spoken = preferred(",".join(headers.getlist("accept-language")))
        if scope["type"] == "websocket":
            with work_of(self.service), correlated(correlation_id, trace), speaking(spoken):
                await self.app(scope, receive, send)
            return
        with (
            work_of(self.service),
            traces.request(scope["method"], trace) as span,
            correlated(correlation_id, span.traceparent),
            speaking(spoken),
        ):
            sender = _Sender(send, scope, receive, correlation_id, self.wording)
            since = time.perf_counter()
            try:
                await self.app(scope, receive, sender.send)
            finally:
                route = route_of(scope)
                span.answered(route, sender.status)
                self.requests.answered(scope["method"], route, sender.status, since)
                log.debug("%s %s answered %d", scope["method"], route, sender.status)


class _Sender:
    """Adds the headers, and puts a problem in the place of the plain text that Starlette sends for too large a body."""

    def __init__(self, send: Send, scope: Scope, receive: Receive, correlation_id: str, wording: Wording) -> None:
        self._send = send
        self._scope = scope
        self._receive = receive
        self._correlation_id = correlation_id
        self._wording = wording
        self._replaced = False
        self.status = 500
        """What was answered; a request that is never answered has failed."""

    async def send(self, message: Message) -> None:
        if self._replaced:
            return
        if message["type"] == "http.response.start" and message["status"] == 413 and _is_plain(message):
            self._replaced = True
            problem = answer(self._wording, [Fault("body_too_large")], self._scope["path"])
            await problem(self._scope, self._receive, self._send_framed)
            return
        await self._send_framed(message)

    async def _send_framed(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers: list[tuple[bytes, bytes]] = [*message.get("headers", ()), *_ALWAYS]
            headers.append((CORRELATION_HEADER.encode(), self._correlation_id.encode()))
            if all(name.lower() != _UNLESS_SET[0] for name, _ in headers):
                headers.append(_UNLESS_SET)
            message = {**message, "headers": headers}
        await self._send(message)


def _is_plain(message: Message) -> bool:
    return Headers(raw=message.get("headers", [])).get("content-type", "").startswith("text/plain")
