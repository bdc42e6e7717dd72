"""The middleware of every request: correlation, limits, headers; and health and documentation."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from shared.trust import OfficerRole, Principal, TokenVerifier
from shared.web.application import application
from tests.web.conftest import Sample

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_a_correlation_id_is_taken_over_and_comes_back(sample: Sample) -> None:
    headers = {**sample.bearer(OfficerRole.AUDITOR), "X-Correlation-Id": "batch-2026-07:row-3", "traceparent": TRACE}
    answer = await sample.client.get("/v1/me", headers=headers)
    assert answer.headers["x-correlation-id"] == "batch-2026-07:row-3"
    assert answer.json() == {"subject": "developer", "correlation": "batch-2026-07:row-3", "traceparent": TRACE}


async def test_without_one_the_trace_id_serves(sample: Sample) -> None:
    answer = await sample.client.get("/v1/me", headers={**sample.bearer(OfficerRole.AUDITOR), "traceparent": TRACE})
    assert answer.headers["x-correlation-id"] == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"X-Correlation-Id": "two\twords"},
        {"X-Correlation-Id": "x" * 200},
        {"X-Correlation-Id": "410305199001010019"},
        {"traceparent": "00-00000000000000000000000000000000-b7ad6b7169203331-01"},
        {"traceparent": "nonsense"},
    ],
)
async def test_a_missing_or_unsafe_one_is_replaced(sample: Sample, sent: dict[str, str]) -> None:
    answer = await sample.client.get("/v1/me", headers={**sample.bearer(OfficerRole.AUDITOR), **sent})
    assert UUID(answer.headers["x-correlation-id"]).version == 7
    assert answer.json()["correlation"] == answer.headers["x-correlation-id"]
    assert answer.json()["traceparent"] == ""


async def test_requests_at_the_same_time_keep_their_own_id_and_language(sample: Sample) -> None:
    async def ask(number: int) -> tuple[str, str]:
        accepted = "en" if number % 2 else "zh"
        sent = {"X-Correlation-Id": f"r-{number}", "Accept-Language": accepted}
        answer = await sample.client.get("/v1/stale", headers=sent)
        return answer.json()["correlation_id"], answer.headers["content-language"]

    asked = await asyncio.gather(*(ask(number) for number in range(50)))
    assert asked == [(f"r-{number}", "en" if number % 2 else "zh-CN") for number in range(50)]


async def test_answers_are_kept_in_no_cache_unless_the_route_says_so(sample: Sample) -> None:
    mine = await sample.client.get("/v1/me", headers=sample.bearer(OfficerRole.AUDITOR))
    published = await sample.client.get("/v1/published")
    assert mine.headers["cache-control"] == "no-store"
    assert mine.headers["x-content-type-options"] == "nosniff"
    assert published.headers["cache-control"] == "public, max-age=60"
    assert published.text == "0\n1\n2\n"


async def _in_pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 1000):
        yield b" " * 1000


@pytest.mark.parametrize("announced", [True, False])
async def test_too_large_a_body_is_refused_announced_or_not(sample: Sample, announced: bool) -> None:
    headers = {**sample.bearer(OfficerRole.LISTER), "Content-Type": "application/json", "Accept-Language": "en"}
    content = b" " * 10_000 if announced else _in_pieces(10_000)
    answer = await sample.client.post("/v1/forms", content=content, headers=headers)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "body_too_large"
    assert answer.headers["x-correlation-id"] == answer.json()["correlation_id"]


async def test_a_route_for_files_has_a_limit_of_its_own(sample: Sample) -> None:
    form = {"name": "示例", "decided_on": "2026-01-05", "counts": {f"n{number}": 1 for number in range(1000)}}
    lister = sample.bearer(OfficerRole.LISTER)
    assert (await sample.client.post("/v1/forms", json=form, headers=lister)).status_code == 413
    assert (await sample.client.post("/v1/files", json=form, headers=lister)).status_code == 200


async def test_a_service_is_ready_when_all_that_it_needs_is_there() -> None:
    broken: set[str] = set()

    def check(name: str) -> None:
        if name in broken:
            raise ConnectionError("postgresql://secret@db")

    async def database() -> None:
        check("database")

    async def log() -> None:
        check("log")

    app = application("ready", ready={"database": database, "log": log})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ready") as client:
        assert (await client.get("/readyz")).json() == {"status": "ready"}
        broken.add("log")
        answer = await client.get("/readyz", headers={"Accept-Language": "en"})
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        assert answer.json()["detail"] == "These checks fail: log."
        assert "secret" not in answer.text
        assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_the_documentation_shows_problems_and_tokens(sample: Sample) -> None:
    document = (await sample.client.get("/openapi.json")).json()
    assert (await sample.client.get("/docs")).status_code == 200
    form = document["paths"]["/v1/forms"]["post"]
    refused = form["responses"]["4XX"]["content"]["application/problem+json"]["schema"]["$ref"]
    assert refused == "#/components/schemas/Problem"
    assert {"code", "remedy", "faults", "correlation_id"} <= document["components"]["schemas"]["Problem"][
        "properties"
    ].keys()
    assert form["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"]["bearerFormat"] == "JWT"


def test_wording_with_a_mistake_stops_the_start(tmp_path: Path) -> None:
    wording = '{status: 409, title: {zh: "一", en: "a"}, detail: {zh: "一", en: "a"}, remedy: {zh: "一", en: "a"}}'
    mistakes = {
        "twice": f"a_code: {wording}\na_code: {wording}\n",
        "shared already": f"stale_version: {wording}\n",
        "one language": wording.replace(', en: "a"', "", 1).join(["a_code: ", "\n"]),
        "comma": "a_code: {zh: 一, en: one, two}\n",
        "status": f"a_code: {wording.replace('409', '200')}\n",
    }
    for name, text in mistakes.items():
        path = tmp_path / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError):
            application("mistaken", wording=[path])


async def test_the_body_is_not_read_before_the_caller_is_known(sample: Sample) -> None:
    """A service must not parse megabytes for a caller without a token or without the role."""
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(30):
            read += 100
            yield b" " * 100

    headers = {"Content-Type": "application/json"}
    stranger = await sample.client.post("/v1/forms", content=body(), headers=headers)
    assert (stranger.status_code, read) == (401, 0)
    other = await sample.client.post(
        "/v1/forms", content=body(), headers={**headers, **sample.bearer(OfficerRole.AUDITOR)}
    )
    assert (other.status_code, read) == (403, 0)
    lister = await sample.client.post(
        "/v1/forms", content=body(), headers={**headers, **sample.bearer(OfficerRole.LISTER)}
    )
    assert (lister.status_code, read) == (400, 3000)


async def test_a_caller_is_verified_once_for_each_request(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    verify = TokenVerifier.verify

    async def counted(verifier: TokenVerifier, token: str) -> Principal:
        nonlocal asked
        asked += 1
        return await verify(verifier, token)

    monkeypatch.setattr(TokenVerifier, "verify", counted)
    answer = await sample.client.get("/v1/me", headers=sample.bearer(OfficerRole.AUDITOR))
    assert (answer.status_code, asked) == (200, 1)
