"""Spans by OpenTelemetry, sent to a collector. Loaded only where one is named (traces.py).

Attributes name routes, topics and counts, never a path or a key. What is sampled is OpenTelemetry's own setting
(`OTEL_TRACES_SAMPLER`); a caller that does not sample its trace is not sampled here.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.telemetry import whose
from shared.telemetry.traces import Tracing

_MOST = 100
"""Of one batch as many traces get a span: a batch of five hundred events must not make five hundred spans."""
_FAREWELL_SECONDS = 3.0
_W3C = TraceContextTextMapPropagator()


def to_collector() -> Tracing:
    """Spans go to the collector that the environment names, over OTLP with HTTP."""
    return Spans(OTLPSpanExporter)


class Spans:
    """Spans of all services of this process, each under its own name."""

    def __init__(self, exporter: Callable[[], SpanExporter], *, at_once: bool = False) -> None:
        """`at_once`: every span is handed over when it ends, instead of many together."""
        self._exporter = exporter
        self._processor = SimpleSpanProcessor if at_once else BatchSpanProcessor
        self._providers: dict[str, TracerProvider] = {}

    def request(self, method: str, traceparent: str) -> "HttpSpan":
        return HttpSpan(self._tracer().start_span(method, _context(traceparent), SpanKind.SERVER), method)

    @contextmanager
    def batch(self, name: str, traceparents: Iterable[str], attributes: dict[str, str | int]) -> Generator[None]:
        distinct = [one for one in dict.fromkeys(traceparents) if one][:_MOST]
        given: dict[str, Any] = {f"liandong.{key}": value for key, value in attributes.items()}
        tracer = self._tracer()
        spans = [tracer.start_span(name, _context(one), SpanKind.INTERNAL, given) for one in distinct]
        try:
            yield
        except BaseException as error:
            for span in spans:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            for span in spans:
                span.end()

    def end(self) -> None:
        """A collector that does not answer holds nobody up for longer."""
        sending = [
            threading.Thread(target=provider.shutdown, daemon=True) for provider in list(self._providers.values())
        ]
        for thread in sending:
            thread.start()
        until = time.monotonic() + _FAREWELL_SECONDS
        for thread in sending:
            thread.join(max(0.0, until - time.monotonic()))

    def _tracer(self) -> Tracer:
        name = whose.service() or "liandong"
        provider = self._providers.get(name)
        if provider is None:
            resource = Resource.create({"service.name": name, "service.namespace": "liandong"})
            provider = self._providers[name] = TracerProvider(resource=resource, shutdown_on_exit=False)
            provider.add_span_processor(self._processor(self._exporter()))
        return provider.get_tracer("liandong")


class HttpSpan:
    """The span of one request; its name is known when its route is."""

    def __init__(self, span: Span, method: str) -> None:
        self._span = span
        self._method = method
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, set_span_in_context(span))
        self.traceparent = carrier.get("traceparent", "")

    def answered(self, route: str, status: int) -> None:
        self._span.update_name(f"{self._method} {route}")
        self._span.set_attributes(
            {"http.request.method": self._method, "http.route": route, "http.response.status_code": status}
        )
        if status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))

    def __enter__(self) -> "HttpSpan":
        return self

    def __exit__(self, *how: object) -> None:
        self._span.end()


def _context(traceparent: str) -> Context:
    return _W3C.extract({"traceparent": traceparent} if traceparent else {}, Context())
