"""The table of authority is complete, the code agrees with it, and every refusal that a token alone decides is tried."""

import importlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

import httpx
import pytest
from fastapi import FastAPI

from shared.calendar.clock import SystemClock
from shared.lawbook.book import LawBook
from shared.service import ServiceDefinition
from shared.trust import OfficerRole, TokenVerifier
from shared.trust.issuer import DevelopmentIssuer
from shared.web.access import use_authority
from shared.web.application import application
from shared.web.health import health, metrics
from shared.web.operations import router as operations
from tests.authority.table import EVERY_SERVICE, PAGE, Rule, page, rules
from tests.builders import a_book, a_department
from tests.web.refusals import Guarded, guarded_routes

SERVICES = ("catalogue", "initiator", "registry", "executor", "feedback", "repair")
OFFICE, MEDIA = "example-credit-office", "example-media"
ALL_ROLES = frozenset(OfficerRole) - {OfficerRole.OPERATOR}


async def the_book() -> LawBook:
    return a_book([a_department(OFFICE, credit_office=True), a_department(MEDIA, kind="media")])


async def no_book() -> LawBook:
    return LawBook.empty()


async def _nothing() -> bytes:
    return b""


def built(name: str) -> FastAPI:
    """A service's routes without its database: what a token decides is decided before it is asked."""
    definition = cast("ServiceDefinition", importlib.import_module(f"services.{name}.app").DEFINITION)
    app = application(name, wording=definition.wording)
    for router in (operations, health({}), metrics(_nothing), *definition.routers):
        app.include_router(router)
    app.state.core = app.state.intake = app.state.write_context = None  # a request that reaches one of them was let in
    return app


@dataclass
class Service:
    """A service's routes, a client of them and tokens."""

    name: str
    app: FastAPI
    client: httpx.AsyncClient
    issuer: DevelopmentIssuer
    tokens: dict[tuple[str | None, frozenset[OfficerRole]], str] = field(
        default_factory=dict[tuple[str | None, frozenset[OfficerRole]], str]
    )

    async def refused(self, route: Guarded, department: str | None, *roles: OfficerRole) -> tuple[int, str]:
        """Status and code of the answer to a request that sends nothing but a token."""
        named = (department, frozenset(roles))
        if named not in self.tokens:
            self.tokens[named] = self.issuer.issue(department, list(roles))
        return await self.asked(route, f"Bearer {self.tokens[named]}")

    async def asked(self, route: Guarded, authorization: str | None) -> tuple[int, str]:
        headers = {"Authorization": authorization} if authorization else {}
        answer = await self.client.request(route.method, route.address, headers=headers)
        return answer.status_code, answer.json().get("code", "")

    def guarded(self) -> list[tuple[Guarded, Rule]]:
        """The routes that are not public, each with its line of the table."""
        lines = table_of(self.name)
        return [(route, lines[route.name]) for route in guarded_routes(self.app) if not lines[route.name].public]

    def of_departments(self) -> list[tuple[Guarded, Rule]]:
        """The routes for callers of departments."""
        return [(route, rule) for route, rule in self.guarded() if OfficerRole.OPERATOR not in rule.roles]


def table_of(service: str) -> dict[str, Rule]:
    return {rule.route: rule for rule in rules() if rule.service in (service, EVERY_SERVICE)}


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentIssuer:
    return DevelopmentIssuer(tmp_path_factory.mktemp("trust"))


@pytest.fixture(params=SERVICES)
async def service(request: pytest.FixtureRequest, issuer: DevelopmentIssuer) -> AsyncIterator[Service]:
    app = built(request.param)
    use_authority(app, TokenVerifier(issuer.trust), the_book, SystemClock())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield Service(request.param, app, client, issuer)


def test_the_page_of_the_documentation_is_printed_from_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.authority.table"


@pytest.mark.parametrize("name", SERVICES)
def test_every_route_stands_in_the_table_and_every_line_names_a_route(name: str) -> None:
    assert {route.name for route in guarded_routes(built(name))} == table_of(name).keys()


@pytest.mark.parametrize("name", SERVICES)
def test_the_code_demands_the_roles_of_the_table(name: str) -> None:
    lines = table_of(name)
    for route in guarded_routes(built(name)):
        rule = lines[route.name]
        assert rule.public is (route.requirement is None), route.name
        if route.requirement is not None:
            assert route.requirement.roles == rule.roles, route.name


async def test_nobody_is_let_in_without_a_token_or_with_a_forged_one(service: Service) -> None:
    for route, _ in service.guarded():
        assert await service.asked(route, None) == (401, "unauthenticated"), route.name
        assert await service.asked(route, "Bearer not.a.token") == (401, "unauthenticated"), route.name


async def test_no_route_reads_the_body_of_a_stranger(service: Service) -> None:
    """The body is not JSON. A route that reads it first answers 400."""
    headers = {"Content-Type": "application/json"}
    for route, _ in service.guarded():
        answer = await service.client.request(route.method, route.address, headers=headers, content=b"[")
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), route.name


async def test_a_department_that_the_law_book_does_not_know_is_refused_whatever_its_roles(service: Service) -> None:
    for route, _ in service.of_departments():
        answer = await service.refused(route, "example-nobody", *OfficerRole)
        assert answer == (403, "caller_department_unknown"), route.name


async def test_a_token_without_a_department_is_refused_whatever_its_roles(service: Service) -> None:
    for route, _ in service.of_departments():
        answer = await service.refused(route, None, *ALL_ROLES)
        assert answer == (403, "caller_without_department"), route.name


async def test_a_token_without_a_role_is_refused(service: Service) -> None:
    for route, _ in service.of_departments():
        assert await service.refused(route, OFFICE) == (403, "caller_without_role"), route.name


async def test_every_role_that_the_table_does_not_name_is_refused(service: Service) -> None:
    for route, rule in service.of_departments():
        for role in ALL_ROLES - rule.roles if rule.roles else ():
            assert await service.refused(route, OFFICE, role) == (403, "forbidden_role"), (route.name, role)


async def test_the_role_of_a_credit_office_is_nothing_in_another_department(service: Service) -> None:
    for route, rule in service.of_departments():
        answer = await service.refused(route, MEDIA, OfficerRole.CREDIT_OFFICE)
        assert answer == (403, "not_a_credit_office"), (route.name, rule)


async def test_an_operator_uses_no_route_but_those_of_operators(service: Service) -> None:
    for route, _ in service.of_departments():
        answer = await service.refused(route, None, OfficerRole.OPERATOR)
        assert answer == (403, "caller_without_department"), route.name


async def test_a_department_is_no_operator(service: Service) -> None:
    for route, rule in service.guarded():
        if OfficerRole.OPERATOR in rule.roles:
            answer = await service.refused(route, OFFICE, OfficerRole.OPERATOR, OfficerRole.AUDITOR)
            assert answer == (403, "forbidden_role"), route.name


async def test_without_a_law_book_nobody_is_let_in_but_the_credit_office_that_publishes_the_first(
    issuer: DevelopmentIssuer,
) -> None:
    for name in SERVICES:
        app = built(name)
        use_authority(app, TokenVerifier(issuer.trust), no_book, SystemClock())
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            service = Service(name, app, client, issuer)
            for route, rule in service.of_departments():
                answer = await service.refused(route, OFFICE, *(ALL_ROLES - {OfficerRole.CREDIT_OFFICE}))
                assert answer == (503, "law_book_not_read"), route.name
                if rule.roles != frozenset({OfficerRole.CREDIT_OFFICE}) or name != "catalogue":
                    answer = await service.refused(route, OFFICE, OfficerRole.CREDIT_OFFICE)
                    assert answer == (503, "law_book_not_read"), route.name
