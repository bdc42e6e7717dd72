"""`/metrics`: the values for an operator's dashboard and alarms, at a low cost and without personal data."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from liandong.node import SERVICES
from services.catalogue.files.shipped import shipped
from shared.contracts.event import Topic
from shared.trust import OfficerRole
from tests.conftest import StartWorld
from tests.engine.statements import counted
from tests.harness import World, eventually
from tests.listings import an_entry, published, revoked
from tests.subjects import company

LAWBOOK = shipped().changes()
Metrics = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def metrics(w: World, service: str) -> Metrics:
    answer = await w.http(service).get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (
            sample.name,
            frozenset((name, value) for name, value in sample.labels.items() if name != "service"),
        ): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(found: Metrics, name: str, **labels: str) -> float:
    return found[f"liandong_{name}", frozenset(labels.items())]


@pytest.mark.parametrize("name", SERVICES)
async def test_every_service_serves_its_metrics_without_a_token(name: str, start: StartWorld) -> None:
    async with start(name) as w:
        found = await metrics(w, name)
        assert of(found, "database_up") == 1
        assert of(found, "parked_keys") == of(found, "timers_overdue") == of(found, "relay_outbox") == 0
        assert abs(of(found, "clock_ahead_seconds")) < 1
        assert found["process_resident_memory_bytes", frozenset()] > 1_000_000


async def test_requests_are_measured_by_the_template_of_their_route(start: StartWorld) -> None:
    async with start("registry", "repair") as w:
        await w.publish_lawbook(*LAWBOOK)
        auditor = w.bearer("luoyang-court", OfficerRole.AUDITOR)
        await w.http("repair").get("/v1/objections/7", headers=auditor)
        assert 'route="/v1/objections/{' in (await w.http("repair").get("/metrics")).text
        await w.http("registry").get("/v1/subjects/uscc/91410300618818841L", headers=auditor)
        await w.http("registry").get("/v1/nowhere/410305199001010019")
        await w.http("registry").request("HUNT", "/v1/nowhere")
        for path in ("/healthz", "/readyz", "/metrics"):
            await w.http("registry").get(path)
        text_format = (await w.http("registry").get("/metrics")).text
        found = await metrics(w, "registry")
    count = {labels: value for (name, labels), value in found.items() if name == "liandong_http_request_seconds_count"}
    seen = {tuple(dict(labels)[name] for name in ("method", "route", "status")) for labels in count}
    assert seen == {
        ("GET", "/v1/subjects/{scheme}/{number}", "200"),
        ("GET", "(none)", "404"),
        ("OTHER", "(none)", "404"),
    }
    assert "91410300618818841L" not in text_format
    assert "410305199001010019" not in text_format


async def test_metrics_show_consumer_offsets_and_parked_events(start: StartWorld) -> None:
    async with start("registry") as w:
        await w.publish_lawbook(*LAWBOOK)
        entry = an_entry(company(w, 1))
        await w.publish(revoked(entry), published(entry))  # in the wrong order: the first fails, the second waits

        async def parked() -> bool:
            return of(await metrics(w, "registry"), "parked_events") == 2

        await eventually(parked)
        found = await metrics(w, "registry")
        assert of(found, "parked_keys") == 1
        place = {"topic": Topic.LAWBOOK.value, "partition": "0"}
        assert of(found, "consumer_offset", **place) == len(LAWBOOK)
        assert of(found, "consumer_lag", **place) == 0
        assert of(found, "consumer_stopped", **place) == 0
        assert entry.subject.key not in (await w.http("registry").get("/metrics")).text


async def test_a_scrape_costs_four_statements(start: StartWorld) -> None:
    async with start("feedback") as w:
        service = w.services["feedback"]
        await service.stop()  # its background workers execute statements, too
        with counted(service.core.engine) as statements:
            await metrics(w, "feedback")
    assert len(statements) == 4, "counts, timers, offsets, unacknowledged"


async def test_a_database_that_does_not_answer_is_a_metric_and_no_error(start: StartWorld) -> None:
    async with start("catalogue") as w:
        service = w.services["catalogue"]
        await service.stop()
        server = create_async_engine(w.settings.database_url, isolation_level="AUTOCOMMIT")
        async with server.connect() as connection:
            closed = f'ALTER DATABASE "{service.core.engine.url.database}" ALLOW_CONNECTIONS false'
            await connection.execute(text(closed))
        await server.dispose()
        found = await metrics(w, "catalogue")
    assert of(found, "database_up") == 0
    assert of(found, "relay_leads") == 0
