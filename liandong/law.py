"""Loading a law book into the catalogue, over HTTP like any credit office: the one that ships, unless told otherwise."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx
from pydantic import BaseModel

from services.catalogue.shipped import shipped
from shared.contracts.event import Topic
from shared.naming import stable_id
from shared.trust import OfficerRole
from shared.trust.issuer import DevelopmentIssuer

CREDIT_OFFICE = "luoyang-credit-office"
READERS = ("initiator", "registry", "executor", "repair")
"""The services that judge by the law book."""
_READ_WITHIN_SECONDS = 60


@dataclass(frozen=True)
class Loaded:
    """How many items of each kind the catalogue has taken, and the version after them."""

    counts: dict[str, int]
    version: int


async def load_shipped(http: httpx.AsyncClient, issuer: DevelopmentIssuer, say: Callable[[str], None]) -> Loaded:
    """Publish the law book that ships, and wait until every service has read it: what they judge by it may come then.

    What the catalogue has already is not published again.
    """
    book = shipped()
    parts: dict[str, Sequence[BaseModel]] = {
        "departments": book.departments,
        "domains": book.domains,
        "memoranda": book.instruments,
        "measures": book.measures,
        "policies": book.policies,
    }
    token = issuer.issue(CREDIT_OFFICE, [OfficerRole.CREDIT_OFFICE], "law-book-loader")
    for kind, items in parts.items():
        await _publish(http, token, kind, items)
        say(f"catalogue: {len(items)} {kind}")
    version = await http.get("/catalogue/v1/version", headers={"Authorization": f"Bearer {token}"})
    version.raise_for_status()
    loaded = Loaded({kind: len(items) for kind, items in parts.items()}, version.json()["lawbook_version"])
    await _read_everywhere(http, issuer.issue(None, [OfficerRole.OPERATOR], "law-book-loader"), loaded.version)
    return loaded


async def _publish(http: httpx.AsyncClient, token: str, kind: str, items: Sequence[BaseModel]) -> None:
    body = [item.model_dump(mode="json") for item in items]
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": stable_id("shipped", kind, str(body))}
    answer = await http.post(f"/catalogue/v1/{kind}", json={"items": body}, headers=headers)
    if answer.is_error:
        raise RuntimeError(f"the catalogue refused the {kind}: {answer.text}")


async def _read_everywhere(http: httpx.AsyncClient, token: str, version: int) -> None:
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
