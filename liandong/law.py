"""Loading a law book into the catalogue, over HTTP like any credit office: the one that ships, unless told otherwise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx
from pydantic import BaseModel

from services.catalogue.shipped import shipped
from shared.naming import stable_id
from shared.trust import OfficerRole
from shared.trust.issuer import DevelopmentIssuer

CREDIT_OFFICE = "luoyang-credit-office"


@dataclass(frozen=True)
class Loaded:
    """How many items of each kind the catalogue has taken, and the version after them."""

    counts: dict[str, int]
    version: int


async def load_shipped(http: httpx.AsyncClient, issuer: DevelopmentIssuer, say: Callable[[str], None]) -> Loaded:
    """Publish the law book that ships. What the catalogue has already is not published again."""
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
    return Loaded({kind: len(items) for kind, items in parts.items()}, version.json()["version"])


async def _publish(http: httpx.AsyncClient, token: str, kind: str, items: Sequence[BaseModel]) -> None:
    body = [item.model_dump(mode="json") for item in items]
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": stable_id("shipped", kind, str(body))}
    answer = await http.post(f"/catalogue/v1/{kind}", json={"items": body}, headers=headers)
    if answer.is_error:
        raise RuntimeError(f"the catalogue refused the {kind}: {answer.text}")
