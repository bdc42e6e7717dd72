"""The interface of tracing, and the switch that turns it on. Without a collector a span does nothing (tracing_setup.py).

The trace context travels in each event's metadata and envelope (`traceparent`), so a trace leads from a request through the
commit, the relay and the consumers of other services. Work for many traces at once (a coalesced commit, a batch) is a span in
each of them.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Traceparents = Callable[[], Iterable[str]]
"""The traces to which a piece of work belongs. Called only when tracing is on."""


class RequestSpan(Protocol):
    """The span of one HTTP request. Its events and log lines carry `traceparent`."""

    @property
    def traceparent(self) -> str: ...
    def record_response(self, route: str, status: int) -> None: ...
    def __enter__(self) -> "RequestSpan": ...
    def __exit__(self, *error: object) -> None: ...


class Tracing(Protocol):
    """An implementation of tracing (shared/telemetry/spans.py)."""

    def request(self, method: str, traceparent: str) -> RequestSpan: ...
    def batch(
        self, name: str, traceparents: Iterable[str], attributes: dict[str, str | int]
    ) -> AbstractContextManager[None]: ...
    def close(self) -> None: ...


class _UntracedRequest:
    """A request without a span: the caller's trace context is passed on unchanged."""

    __slots__ = ("traceparent",)

    def __init__(self, traceparent: str) -> None:
        self.traceparent = traceparent

    def record_response(self, route: str, status: int) -> None: ...

    def __enter__(self) -> "_UntracedRequest":
        return self

    def __exit__(self, *error: object) -> None: ...


_NO_SPAN: AbstractContextManager[None] = nullcontext()
_tracing: Tracing | None = None


def use(tracing: Tracing | None) -> None:
    """Send all further spans to this implementation. None turns tracing off."""
    global _tracing  # noqa: PLW0603 - the only switch; every span reads it
    _tracing = tracing


def stop() -> None:
    """Turn tracing off and send the waiting spans. Blocks for a few seconds at most."""
    tracing = _tracing
    use(None)
    if tracing is not None:
        tracing.close()


def request(method: str, traceparent: str) -> RequestSpan:
    """The span of an HTTP request with this trace context of the caller."""
    return _UntracedRequest(traceparent) if _tracing is None else _tracing.request(method, traceparent)


def batch(name: str, traceparents: Traceparents, **attributes: str | int) -> AbstractContextManager[None]:
    """A span in each of these traces, for work that is done for all of them at once."""
    return _NO_SPAN if _tracing is None else _tracing.batch(name, traceparents(), attributes)
