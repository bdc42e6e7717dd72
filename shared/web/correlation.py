"""What ties a request to the events that it causes: a correlation id, and the trace context of the caller.

Both come from the caller where it sends them in a safe form, so that one id can be followed across services; whatever
else it sends is replaced, because the id is written to logs and events.
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
    """The correlation id of the request (or consumed event) that is being dealt with; a fresh one outside of any."""
    return _correlation.get() or str(uuid7())


def correlation_if_any() -> str:
    """The same, but empty outside of any: for log lines."""
    return _correlation.get()


def traceparent() -> str:
    """The W3C trace context of what is done: the caller's or, where traces are kept, of our part in it; empty if none."""
    return _traceparent.get()


@contextmanager
def correlated(correlation_id: str, trace: str = "") -> Generator[None]:
    """Whatever is logged, answered or appended within the block belongs to this id."""
    before, trace_before = _correlation.set(correlation_id), _traceparent.set(trace)
    try:
        yield
    finally:
        _correlation.reset(before)
        _traceparent.reset(trace_before)


def read_correlation(headers: Mapping[str, str]) -> tuple[str, str]:
    """The correlation id (`X-Correlation-Id`, else the trace id, else a new UUIDv7) and the trace context."""
    trace = headers.get(TRACE_HEADER, "")
    traced = _TRACEPARENT.fullmatch(trace)
    if traced is None or trace.startswith("ff") or set(traced[1]) == {"0"} or set(traced[2]) == {"0"}:
        traced, trace = None, ""
    given = headers.get(CORRELATION_HEADER, "")
    # An id with a person's number in it would carry that into logs and events.
    if _SAFE.fullmatch(given) and not contains_personal_number(given):
        return given, trace
    return (traced[1] if traced else str(uuid7())), trace
