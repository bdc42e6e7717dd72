"""Loading a law book into the catalogue, over HTTP like any credit office: the one that ships, unless told otherwise.

Two officers do it: one drafts, the other publishes (four eyes).
"""

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from services.catalogue.domain.content import Content, field_of
from services.catalogue.files.shipped import shipped
from shared.contracts.event import Topic
from shared.ids import stable_id
from shared.lawbook.items import SHAPES
from shared.trust import OfficerRole
from shared.trust.issuer import DevelopmentIssuer

CREDIT_OFFICE = "luoyang-credit-office"
DRAFTER, PUBLISHER = "law-book-drafter", "law-book-publisher"
READERS = ("initiator", "registry", "executor", "repair")
"""The services that judge by the law book."""
_READ_WITHIN_SECONDS = 60
_FAULTY = 422


@dataclass(frozen=True)
class Loaded:
    """How many items of each kind the catalogue has taken, and the version after them."""

    counts: dict[str, int]
    version: int


async def load_shipped(http: httpx.AsyncClient, issuer: DevelopmentIssuer, say: Callable[[str], None]) -> Loaded:
    """Publish the law book that ships, and wait until every service has read it: what they judge by it may come then.

    What the catalogue has already is not published again; what it has otherwise under the same version is left as it is.
    """
    content = shipped().content()
    version = await enact(http, issuer, content, CREDIT_OFFICE, say)
    counts = {field_of(kind): len(content.items(kind)) for kind in SHAPES}
    for kind, count in counts.items():
        say(f"catalogue: {count} {kind}")
    await read_everywhere(http, issuer.issue(None, [OfficerRole.OPERATOR], "law-book-loader"), version)
    return Loaded(counts, version)


async def enact(
    http: httpx.AsyncClient,
    issuer: DevelopmentIssuer,
    content: Content,
    office: str,
    say: Callable[[str], None] = lambda _: None,
) -> int:
    """Draft and publish what the book lacks of this content, as two officers of a credit office. The book's version."""
    now = await http.get("/catalogue/v1/version", headers=_bearer(issuer, office, DRAFTER))
    now.raise_for_status()
    answer = await _draft(http, issuer, content, office, now.json()["lawbook_version"])
    if otherwise := _held_otherwise(answer):
        # An older edition of what ships was loaded here once: published versions do not change.
        say(f"catalogue: left as they are: {len(otherwise)}")
        content = Content.of(item for place, item in content.placed() if place not in otherwise)
        answer = await _draft(http, issuer, content, office, now.json()["lawbook_version"])
    draft = _accepted(answer)
    if draft["draft_id"] is None:
        return draft["lawbook_version"]
    address = f"/catalogue/v1/drafts/{draft['draft_id']}/publish"
    headers = {**_bearer(issuer, office, PUBLISHER), "Idempotency-Key": stable_id("publish", draft["draft_id"])}
    return _accepted(await http.post(address, json={}, headers=headers))["lawbook_version"]


async def _draft(
    http: httpx.AsyncClient, issuer: DevelopmentIssuer, content: Content, office: str, version: int
) -> httpx.Response:
    body = {"title": "law book", "content": content.model_dump(mode="json", exclude_defaults=True)}
    digest = hashlib.sha256(f"{version} {content.model_dump_json()}".encode()).hexdigest()
    headers = {**_bearer(issuer, office, DRAFTER), "Idempotency-Key": stable_id("draft", digest)}
    return await http.post("/catalogue/v1/drafts", json=body, headers=headers)


def _held_otherwise(answer: httpx.Response) -> frozenset[str]:
    """The places of items that the book has otherwise under the same version, when nothing else is wrong."""
    if answer.status_code != _FAULTY:
        return frozenset()
    faults: list[dict[str, str]] = answer.json()["faults"]
    if any(fault["code"] != "version_not_next" for fault in faults):
        return frozenset()
    return frozenset(fault["field"].removesuffix(".version") for fault in faults)


def _accepted(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_error:
        raise RuntimeError(f"the catalogue refused the law book: {answer.text}")
    return answer.json()


def _bearer(issuer: DevelopmentIssuer, office: str, account: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {issuer.issue(office, [OfficerRole.CREDIT_OFFICE], account)}"}


async def read_everywhere(http: httpx.AsyncClient, token: str, version: int) -> None:
    """Wait for every reader. The law book's topic is gapless: as many records are read as versions are known."""
    end = time.monotonic() + _READ_WITHIN_SECONDS
    for service in READERS:
        while await _versions_read(http, token, service) < version:
            if time.monotonic() > end:
                raise RuntimeError(f"{service} has not read version {version} of the law book")
            await asyncio.sleep(0.1)


async def _versions_read(http: httpx.AsyncClient, token: str, service: str) -> int:
    answer = await http.get(f"/{service}/v1/operations/state", headers={"Authorization": f"Bearer {token}"})
    answer.raise_for_status()
    topic = Topic.LAWBOOK.value
    return sum(place["next_offset"] for place in answer.json()["partitions"] if place["topic"].endswith(topic))
