"""Tracing by OpenTelemetry. Imported only when a collector is named (tracing_setup.py).

Attributes contain routes, topics and counts, never a path or a key. OpenTelemetry's own setting (`OTEL_TRACES_SAMPLER`) chooses
the samples. A trace that its caller does not sample is not sampled here.
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

from shared.telemetry.service_context import current_service
from shared.telemetry.traces import Tracing

_MAX_TRACES = 100
"""At most so many traces of one batch get a span: a batch of 500 events must not create 500 spans."""
_CLOSE_TIMEOUT_SECONDS = 3.0
_W3C = TraceContextTextMapPropagator()


def to_collector() -> Tracing:
    """Tracing that sends spans to the collector named in the environment (OTLP over HTTP)."""
    return Spans(OTLPSpanExporter)


class Spans:
    """Spans of all services of this process, each service under its own name."""

    def __init__(self, exporter: Callable[[], SpanExporter], *, immediate: bool = False) -> None:
        """`immediate`: export each span when it ends, instead of in batches."""
        self._exporter = exporter
        self._processor = SimpleSpanProcessor if immediate else BatchSpanProcessor
        self._providers: dict[str, TracerProvider] = {}

    def request(self, method: str, traceparent: str) -> "HttpSpan":
        return HttpSpan(self._tracer().start_span(method, _context(traceparent), SpanKind.SERVER), method)

    @contextmanager
    def batch(self, name: str, traceparents: Iterable[str], attributes: dict[str, str | int]) -> Generator[None]:
        distinct = [traceparent for traceparent in dict.fromkeys(traceparents) if traceparent][:_MAX_TRACES]
        prefixed: dict[str, Any] = {f"liandong.{key}": value for key, value in attributes.items()}
        tracer = self._tracer()
        spans = [tracer.start_span(name, _context(parent), SpanKind.INTERNAL, prefixed) for parent in distinct]
        try:
            yield
        except BaseException as error:
            for span in spans:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            for span in spans:
                span.end()

    def close(self) -> None:
        """Send the waiting spans. A collector that does not answer delays the process for three seconds at most."""
        threads = [
            threading.Thread(target=provider.shutdown, daemon=True) for provider in list(self._providers.values())
        ]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + _CLOSE_TIMEOUT_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _tracer(self) -> Tracer:
        name = current_service() or "liandong"
        provider = self._providers.get(name)
        if provider is None:
            resource = Resource.create({"service.name": name, "service.namespace": "liandong"})
            provider = self._providers[name] = TracerProvider(resource=resource, shutdown_on_exit=False)
            provider.add_span_processor(self._processor(self._exporter()))
        return provider.get_tracer("liandong")


class HttpSpan:
    """The span of one request. Its name is set with the response, when the route is known."""

    def __init__(self, span: Span, method: str) -> None:
        self._span = span
        self._method = method
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, set_span_in_context(span))
        self.traceparent = carrier.get("traceparent", "")

    def record_response(self, route: str, status: int) -> None:
        self._span.update_name(f"{self._method} {route}")
        self._span.set_attributes(
            {"http.request.method": self._method, "http.route": route, "http.response.status_code": status}
        )
        if status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))

    def __enter__(self) -> "HttpSpan":
        return self

    def __exit__(self, *error: object) -> None:
        self._span.end()


def _context(traceparent: str) -> Context:
    return _W3C.extract({"traceparent": traceparent} if traceparent else {}, Context())
