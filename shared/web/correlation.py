"""The correlation id and the trace context: they connect a request with the events that it causes.

Both are taken from the caller if they have a safe form, so that one id can be searched for across services. Any other value is
replaced, because the id is written to logs and events.
"""

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from uuid_utils import uuid7

from shared.identity.personal_numbers import contains_personal_number

CORRELATION_HEADER = "x-correlation-id"
TRACE_HEADER = "traceparent"

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")

_correlation: ContextVar[str] = ContextVar("correlation", default="")
_traceparent: ContextVar[str] = ContextVar("traceparent", default="")


def correlation() -> str:
    """The correlation id of the current request or consumed event; a new one outside of both."""
    return _correlation.get() or str(uuid7())


def correlation_if_any() -> str:
    """The same, but empty outside of both: for log lines."""
    return _correlation.get()


def traceparent() -> str:
    """The W3C trace context of the current work: the caller's or, with tracing on, that of our own span; empty if none."""
    return _traceparent.get()


@contextmanager
def correlated(correlation_id: str, trace: str = "") -> Generator[None]:
    """Log lines, responses and events of the block carry this correlation id and trace context."""
    before, trace_before = _correlation.set(correlation_id), _traceparent.set(trace)
    try:
        yield
    finally:
        _correlation.reset(before)
        _traceparent.reset(trace_before)


def read_correlation(headers: Mapping[str, str]) -> tuple[str, str]:
    """The correlation id (`X-Correlation-Id`, else the trace id, else a new UUIDv7) and the trace context."""
    trace = headers.get(TRACE_HEADER, "")
    parsed = _TRACEPARENT.fullmatch(trace)
    if parsed is None or trace.startswith("ff") or set(parsed[1]) == {"0"} or set(parsed[2]) == {"0"}:
        parsed, trace = None, ""
    correlation_id = headers.get(CORRELATION_HEADER, "")
    # An id that contains a personal number would carry it into logs and events.
    if _SAFE.fullmatch(correlation_id) and not contains_personal_number(correlation_id):
        return correlation_id, trace
    return (parsed[1] if parsed else str(uuid7())), trace
