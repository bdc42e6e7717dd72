"""Loads a law book into the catalogue over HTTP, as a credit office does: the shipped one, or the one of the demo.

Two officers are needed (four-eyes principle): one drafts, the other publishes.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from liandong.demo_book import demo_book
from services.catalogue.domain.content import Content, field_of
from services.catalogue.files.shipped import shipped
from shared.contracts.event import Topic
from shared.ids import stable_id
from shared.lawbook.items import SHAPES
from shared.trust import OfficerRole
from shared.trust.issuer import DevelopmentIssuer

CREDIT_OFFICE = "luoyang-credit-office"
DRAFTER, PUBLISHER = "law-book-drafter", "law-book-publisher"
READERS = ("initiator", "registry", "executor", "feedback", "repair")
"""The services that read the law book."""
_READ_TIMEOUT_SECONDS = 60
_UNPROCESSABLE = 422


@dataclass(frozen=True)
class Loaded:
    """The number of items per kind, and the version of the law book after the load."""

    counts: dict[str, int]
    version: int


async def load_shipped(http: httpx.AsyncClient, issuer: DevelopmentIssuer, say: Callable[[str], None]) -> Loaded:
    """Publish the shipped law book, and wait until every service has read it, so that lists can be sent afterwards."""
    return await _load(http, issuer, shipped().content(), say)


async def load_demo_book(http: httpx.AsyncClient, issuer: DevelopmentIssuer, say: Callable[[str], None]) -> Loaded:
    """Publish the pinned law book of the demo, and wait until every service has read it."""
    return await _load(http, issuer, demo_book().content(), say)


async def _load(
    http: httpx.AsyncClient, issuer: DevelopmentIssuer, content: Content, say: Callable[[str], None]
) -> Loaded:
    """Items that the catalogue already has are not published again. An item that it has under the same version with another
    content is left unchanged.
    """
    version = await enact(http, issuer, content, CREDIT_OFFICE, say)
    counts = {field_of(kind): len(content.items(kind)) for kind in SHAPES}
    for kind, count in counts.items():
        say(f"catalogue: {count} {kind}")
    await wait_until_read(http, issuer.issue(None, [OfficerRole.OPERATOR], "law-book-loader"), version)
    return Loaded(counts, version)


async def enact(
    http: httpx.AsyncClient,
    issuer: DevelopmentIssuer,
    content: Content,
    office: str,
    say: Callable[[str], None] = lambda _: None,
) -> int:
    """Draft and publish the items that the book lacks, as two officers of a credit office. Returns the book's version.

    Raises RuntimeError when the catalogue refuses.
    """
    current = await http.get("/catalogue/v1/version", headers=_bearer(issuer, office, DRAFTER))
    current.raise_for_status()
    response = await _draft(http, issuer, content, office, current.json()["lawbook_version"])
    if different := _already_different(response):
        # An older edition of the shipped book was loaded here before, and published versions never change.
        say(f"catalogue: left unchanged: {len(different)}")
        content = Content.of(item for place, item in content.placed() if place not in different)
        response = await _draft(http, issuer, content, office, current.json()["lawbook_version"])
    draft = _accepted(response)
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


def _already_different(response: httpx.Response) -> frozenset[str]:
    """Field paths of items that the book has under the same version with another content; empty if there are other faults."""
    if response.status_code != _UNPROCESSABLE:
        return frozenset()
    faults: list[dict[str, str]] = response.json()["faults"]
    if any(fault["code"] != "version_not_next" for fault in faults):
        return frozenset()
    return frozenset(fault["field"].removesuffix(".version") for fault in faults)


def _accepted(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise RuntimeError(f"the catalogue refused the law book: {response.text}")
    return response.json()


def _bearer(issuer: DevelopmentIssuer, office: str, account: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {issuer.issue(office, [OfficerRole.CREDIT_OFFICE], account)}"}


async def wait_until_read(http: httpx.AsyncClient, token: str, version: int) -> None:
    """Wait until every reader has this version. The topic has one record per version: the next offset is the version read.

    Raises RuntimeError after a timeout.
    """
    end = time.monotonic() + _READ_TIMEOUT_SECONDS
    for service in READERS:
        while await _versions_read(http, token, service) < version:
            if time.monotonic() > end:
                raise RuntimeError(f"{service} has not read version {version} of the law book")
            await asyncio.sleep(0.1)


async def _versions_read(http: httpx.AsyncClient, token: str, service: str) -> int:
    response = await http.get(f"/{service}/v1/operations/state", headers={"Authorization": f"Bearer {token}"})
    response.raise_for_status()
    topic = Topic.LAWBOOK.value
    return sum(one["next_offset"] for one in response.json()["partitions"] if one["topic"].endswith(topic))
