"""Traces: a request has a span in every service that works on it; without a collector nothing is imported."""

import subprocess
import sys
from collections.abc import Generator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.telemetry import traces
from shared.telemetry.spans import Spans
from shared.trust import OfficerRole
from tests.conftest import StartWorld
from tests.harness import World, eventually

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACE = f"00-{TRACE_ID}-b7ad6b7169203331-01"
UNSAMPLED = f"00-{TRACE_ID}-b7ad6b7169203331-00"


@pytest.fixture
def kept() -> Generator[InMemorySpanExporter]:
    """Spans are stored in memory during the test."""
    exporter = InMemorySpanExporter()
    spans = Spans(lambda: exporter, immediate=True)
    traces.use(spans)
    yield exporter
    traces.use(None)
    spans.close()


def officer(w: World, subject: str, trace: str = "") -> dict[str, str]:
    headers = w.writes("example-office", OfficerRole.CREDIT_OFFICE, subject=subject)
    return {**headers, "traceparent": trace} if trace else headers


async def published(w: World, trace: str) -> None:
    """A change of the law book that one officer drafts and another publishes; the publication is traced."""
    drafted = await w.http("catalogue").post("/v1/departments", json=ITEMS, headers=officer(w, "first"))
    assert drafted.is_success, drafted.text
    address = f"/v1/drafts/{drafted.json()['draft_id']}/publish"
    answer = await w.http("catalogue").post(address, json={}, headers=officer(w, "second", trace))
    assert answer.is_success, answer.text


ITEMS = {
    "items": [
        {
            "department_id": "example-office",
            "name_zh": "示例单位",
            "name_en": "Example office",
            "region": "410300",
            "credit_office": True,
        }
    ]
}


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return format(span.context.trace_id, "032x")


def named(span: ReadableSpan) -> str:
    return f"{span.resource.attributes['service.name']}: {span.name}"


async def test_a_trace_leads_from_a_request_through_the_relay_into_another_service(
    start: StartWorld, kept: InMemorySpanExporter
) -> None:
    async with start("catalogue", "registry") as w:
        await published(w, TRACE)

        def spans() -> list[ReadableSpan]:
            return [span for span in kept.get_finished_spans() if trace_of(span) == TRACE_ID]

        await eventually(lambda: any(named(span) == "registry: consume liandong.lawbook" for span in spans()))
        found = {named(span): span for span in spans()}
    assert set(found) == {
        "catalogue: POST /v1/drafts/{draft_id}/publish",
        "catalogue: commit",
        "catalogue: publish liandong.lawbook",
        "registry: consume liandong.lawbook",
    }
    request = found.pop("catalogue: POST /v1/drafts/{draft_id}/publish")
    assert request.parent is not None and format(request.parent.span_id, "016x") == "b7ad6b7169203331"
    assert request.context is not None
    assert {span.parent.span_id for span in found.values() if span.parent} == {request.context.span_id}


async def test_a_caller_that_samples_nothing_is_not_traced(start: StartWorld, kept: InMemorySpanExporter) -> None:
    async with start("catalogue") as w:
        await published(w, UNSAMPLED)
    assert [span for span in kept.get_finished_spans() if trace_of(span) == TRACE_ID] == []


async def test_a_refused_batch_is_marked_without_the_message_of_the_error(kept: InMemorySpanExporter) -> None:
    with pytest.raises(LookupError), traces.batch("commit", lambda: [TRACE, TRACE, ""], commands=2):
        raise LookupError("410305199001010019")
    [span] = kept.get_finished_spans()
    assert span.status.description == "LookupError"
    assert dict(span.attributes or {}) == {"liandong.commands": 2}
    assert span.events == ()


def test_without_a_collector_nothing_is_loaded() -> None:
    script = (
        "import sys; from shared.telemetry import tracing_setup; import services.executor.app; tracing_setup.start(); "
        "sys.exit(any(name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, env={}).returncode == 0
