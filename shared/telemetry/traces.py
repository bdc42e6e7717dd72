"""Traces, when a collector is named (`OTEL_EXPORTER_OTLP_ENDPOINT`); otherwise nothing is loaded and a span is nothing.

The trace context travels in each event's metadata and envelope (`traceparent`), so a trace leads from a request through the
commit, the relay and the consumers of other services. Work that is done for many traces at once (a coalesced commit, a batch)
is a span in each of them.
"""

import importlib
import logging
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

log = logging.getLogger(__name__)

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

Traceparents = Callable[[], Iterable[str]]
"""The traces for which something is done. Asked only where traces are kept."""


class RequestSpan(Protocol):
    """One HTTP request. `traceparent` is what events and log lines of it carry."""

    @property
    def traceparent(self) -> str: ...
    def answered(self, route: str, status: int) -> None: ...
    def __enter__(self) -> "RequestSpan": ...
    def __exit__(self, *how: object) -> None: ...


class Tracing(Protocol):
    """Where spans go (shared/telemetry/spans.py)."""

    def request(self, method: str, traceparent: str) -> RequestSpan: ...
    def batch(
        self, name: str, traceparents: Iterable[str], attributes: dict[str, str | int]
    ) -> AbstractContextManager[None]: ...
    def end(self) -> None: ...


class _Untraced:
    """A request of which no span is kept: the caller's trace goes on as it came."""

    __slots__ = ("traceparent",)

    def __init__(self, traceparent: str) -> None:
        self.traceparent = traceparent

    def answered(self, route: str, status: int) -> None: ...

    def __enter__(self) -> "_Untraced":
        return self

    def __exit__(self, *how: object) -> None: ...


_NOTHING: AbstractContextManager[None] = nullcontext()
_tracing: Tracing | None = None


def begin() -> None:
    """Keep traces from now on, if a collector is named."""
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return
    try:
        spans = importlib.import_module("shared.telemetry.spans")
    except ModuleNotFoundError as missing:
        log.error("no traces are kept: %s is not installed (the extra `traces`)", missing.name)
        return
    keep(spans.to_collector())


def keep(tracing: Tracing | None) -> None:
    """Send spans there from now on; None: nowhere."""
    global _tracing  # noqa: PLW0603 - the one switch, looked at by every span
    _tracing = tracing


def end() -> None:
    """Send what waits, and keep no more. Blocks for a few seconds at most."""
    tracing = _tracing
    keep(None)
    if tracing is not None:
        tracing.end()


def request(method: str, traceparent: str) -> RequestSpan:
    """The span of an HTTP request from this caller."""
    return _Untraced(traceparent) if _tracing is None else _tracing.request(method, traceparent)


def batch(name: str, traceparents: Traceparents, **attributes: str | int) -> AbstractContextManager[None]:
    """A span in each of these traces, for what is done for all of them at once."""
    return _NOTHING if _tracing is None else _tracing.batch(name, traceparents(), attributes)
