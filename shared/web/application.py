"""The HTTP application of a service without its routes: problems, language, correlation, limits, health, documentation.

Its middleware surrounds everything, Starlette's own error handling included, so that the response to an unexpected error carries
its correlation id as well. The middleware is plain ASGI: it buffers nothing, and streams stay streams.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from shared.rejection import Fault
from shared.telemetry import traces
from shared.telemetry.requests import RequestMetrics, route_of
from shared.telemetry.service_context import as_service
from shared.web.correlation import CORRELATION_HEADER, correlated, read_correlation
from shared.web.health import Check, health
from shared.web.known_parameters import refuse_unknown_parameters
from shared.web.language import preferred, use_language
from shared.web.problem import Problem, install_problems, problem_response, problem_responses
from shared.web.routing import checked
from shared.web.wording import Wording

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 256 * 1024
"""The largest body of a request. A route for files or for many items sets its own `max_body_size=`."""

_NO_FASTAPI_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI's own telemetry would report paths and messages of exceptions, and both may contain personal data."""

_ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_UNLESS_SET = (b"cache-control", b"no-store")
"""Responses are about subjects: nothing may cache them, unless a route (a published list) sets the header itself."""


class Application(FastAPI):
    """A FastAPI application inside `RequestMiddleware`. Build it with `application()`."""

    wording: Wording
    request_metrics: RequestMetrics
    service: str

    def build_middleware_stack(self) -> ASGIApp:
        return RequestMiddleware(super().build_middleware_stack(), self.wording, self.service, self.request_metrics)

    def openapi(self) -> dict[str, Any]:
        """FastAPI's document, with the schema of a problem that the error responses of every route refer to."""
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
    max_body: int = MAX_BODY_BYTES,
) -> Application:
    """An application with `/healthz`, `/readyz`, `/docs` and `/openapi.json`, and no other routes yet.

    `wording`: the files with the texts of this service's own codes. `max_body`: bytes. Before the first request that needs a
    caller, `shared.web.access.use_authority` names the verifier of tokens and the law book.
    """
    texts = Wording.load(wording)
    app = Application(
        title=f"Liandong {name}",
        description=description,
        version=version,
        lifespan=lifespan,
        docs_url="/docs",
        redoc_url=None,
        openapi_url="/openapi.json",
        responses=problem_responses(),
        dependencies=[Depends(refuse_unknown_parameters)],
        max_body_size=max_body,
        telemetry=_NO_FASTAPI_TELEMETRY,
    )
    checked(app.router)
    app.wording = texts
    app.service = name
    app.request_metrics = RequestMetrics(name)
    app.state.wording = texts
    install_problems(app, texts)
    if ready is not None:
        app.include_router(health(ready))
    return app


class RequestMiddleware:
    """Reads correlation id and language of each request, adds headers to its response, and measures it."""

    def __init__(self, app: ASGIApp, wording: Wording, service: str, metrics: RequestMetrics) -> None:
        self.app = app
        self.wording = wording
        self.service = service
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        correlation_id, trace = read_correlation(headers)
        language = preferred(",".join(headers.getlist("accept-language")))
        if scope["type"] == "websocket":
            with as_service(self.service), correlated(correlation_id, trace), use_language(language):
                await self.app(scope, receive, send)
            return
        with (
            as_service(self.service),
            traces.request(scope["method"], trace) as span,
            correlated(correlation_id, span.traceparent),
            use_language(language),
        ):
            sender = _ResponseSender(send, scope, receive, correlation_id, self.wording)
            started_at = time.perf_counter()
            try:
                await self.app(scope, receive, sender.send)
            finally:
                route = route_of(scope)
                span.record_response(route, sender.status)
                self.metrics.record(scope["method"], route, sender.status, started_at)
                log.debug("%s %s: status %d", scope["method"], route, sender.status)


class _ResponseSender:
    """Adds the headers, and replaces the plain text that Starlette sends for too large a body with a problem."""

    def __init__(self, send: Send, scope: Scope, receive: Receive, correlation_id: str, wording: Wording) -> None:
        self._send = send
        self._scope = scope
        self._receive = receive
        self._correlation_id = correlation_id
        self._wording = wording
        self._replaced = False
        self.status = 500
        """The status of the response. A request without a response has failed."""

    async def send(self, message: Message) -> None:
        if self._replaced:
            return
        if message["type"] == "http.response.start" and message["status"] == 413 and _is_plain(message):
            self._replaced = True
            problem = problem_response(self._wording, [Fault("body_too_large")], self._scope["path"])
            await problem(self._scope, self._receive, self._send_with_headers)
            return
        await self._send_with_headers(message)

    async def _send_with_headers(self, message: Message) -> None:
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
