"""A small application that can fail in every way, and tokens for it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from shared.calendar.clock import SystemClock
from shared.lawbook.book import LawBook
from shared.trust import OfficerRole, TokenVerifier
from shared.trust.issuer import DevelopmentIssuer
from shared.web.access import use_authority
from shared.web.application import Application, application
from tests.builders import a_book, a_department
from tests.web.sample import add_routes

WORDING = Path(__file__).parent / "sample.yaml"


@dataclass
class Sample:
    """The application, a client for it, and valid tokens."""

    app: Application
    client: httpx.AsyncClient
    bearer: Callable[..., dict[str, str]]


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentIssuer:
    return DevelopmentIssuer(tmp_path_factory.mktemp("trust"))


async def known_departments() -> LawBook:
    """A law book that names the departments of these tests."""
    court, office = a_department("luoyang-court"), a_department("luoyang-credit-office", credit_office=True)
    others = [a_department(f"luoyang-{name}") for name in ("finance", "tax", "audit")]
    return a_book([court, office, *others])


@pytest.fixture
async def sample(issuer: DevelopmentIssuer) -> AsyncIterator[Sample]:
    app = application("sample", wording=[WORDING], max_body=4096)
    use_authority(app, TokenVerifier(issuer.trust), known_departments, SystemClock())
    add_routes(app)

    def bearer(*roles: OfficerRole, department: str | None = "luoyang-court") -> dict[str, str]:
        return {"Authorization": f"Bearer {issuer.issue(department, roles)}"}

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://sample") as client:
        yield Sample(app, client, bearer)
