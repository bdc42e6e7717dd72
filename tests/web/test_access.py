"""Every route declares its callers and refuses all others."""

from pathlib import Path

import httpx
import pytest
import typer
from fastapi import Depends, FastAPI
from typer.testing import CliRunner

from liandong.token import token as print_token
from shared.calendar.clock import SystemClock
from shared.trust import OfficerRole, TokenVerifier
from shared.trust.issuer import DevelopmentIssuer
from shared.trust.settings import TrustSettings
from shared.web.access import require, use_authority
from shared.web.application import application
from tests.web.conftest import Sample, known_departments
from tests.web.refusals import assert_refusals, guarded_routes

PUBLIC = {
    *("GET /v1/published", "GET /v1/stale", "GET /v1/several", "GET /v1/unworded", "GET /v1/factless"),
    *("GET /v1/bug", "GET /v1/no-database"),
}
ENGLISH = {"Accept-Language": "en"}


async def test_every_route_refuses_strangers_and_wrong_roles(sample: Sample, issuer: DevelopmentIssuer) -> None:
    refused = await assert_refusals(
        sample.app,
        sample.client,
        lambda roles: issuer.issue("luoyang-court", roles),
        public=PUBLIC,
        any_role={"GET /v1/me"},
    )
    assert refused == 6


async def test_a_route_without_a_requirement_is_found(sample: Sample, issuer: DevelopmentIssuer) -> None:
    with pytest.raises(AssertionError, match="GET /v1/bug declares no caller"):
        await assert_refusals(
            sample.app,
            sample.client,
            lambda roles: issuer.issue("luoyang-court", roles),
            public=PUBLIC - {"GET /v1/bug"},
            any_role={"GET /v1/me"},
        )


def test_routes_of_included_routers_are_seen_with_their_prefix(sample: Sample) -> None:
    outer = FastAPI()
    outer.include_router(sample.app.router, prefix="/sample")
    assert "POST /sample/v1/forms" in {route.name for route in guarded_routes(outer)}


async def test_without_a_token_the_answer_says_how_to_bring_one(sample: Sample) -> None:
    answer = await sample.client.get("/v1/me", headers=ENGLISH)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="liandong"'
    assert answer.json()["detail"] == "The caller could not be authenticated: no token was sent."
    basic = await sample.client.get("/v1/me", headers={"Authorization": "Basic eDp5"})
    assert basic.json()["faults"][0]["facts"] == {"reason": "token.missing"}


async def test_an_expired_token_and_a_forged_one_have_different_reasons(
    sample: Sample, issuer: DevelopmentIssuer
) -> None:
    expired = issuer.issue("luoyang-court", [OfficerRole.LISTER], minutes=-10)
    answer = await sample.client.get("/v1/me", headers={"Authorization": f"Bearer {expired}"})
    assert answer.json()["detail"] == "不能确认调用者身份：令牌已过期。"
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert expired not in answer.text
    forged = await sample.client.get("/v1/me", headers={"Authorization": f"Bearer {expired[:-8]}AAAAAAAA"})
    assert forged.json()["faults"][0]["facts"] == {"reason": "token.signature"}


async def test_the_answer_to_a_wrong_role_names_the_required_roles(sample: Sample) -> None:
    answer = await sample.client.post("/v1/forms/early", headers=sample.bearer(OfficerRole.LISTER, OfficerRole.AUDITOR))
    assert answer.status_code == 403
    assert answer.json()["detail"] == "该操作限以下角色：名单审核；本令牌的角色为：审计、名单经办。"
    assert answer.json()["faults"][0]["facts"] == {"required": ["approver"], "held": ["auditor", "lister"]}


async def test_one_of_several_roles_is_enough_but_only_for_the_own_department(sample: Sample) -> None:
    address = "/v1/departments/luoyang-court/tasks"
    own = await sample.client.get(address, headers=sample.bearer(OfficerRole.EXECUTOR))
    other = await sample.client.get(address, headers=sample.bearer(OfficerRole.EXECUTOR, department="luoyang-tax"))
    auditor = await sample.client.get(address, headers=sample.bearer(OfficerRole.AUDITOR, department="luoyang-audit"))
    assert (own.status_code, other.status_code, auditor.status_code) == (200, 403, 200)
    assert other.json()["code"] == "forbidden_department"


async def test_a_caller_without_a_department_cannot_act_for_one(sample: Sample) -> None:
    form = {"name": "示例", "decided_on": "2026-01-05"}
    headers = sample.bearer(OfficerRole.LISTER, department=None)
    answer = await sample.client.post("/v1/forms", json=form, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "caller_without_department")


async def test_the_caller_is_checked_before_the_body(sample: Sample) -> None:
    answer = await sample.client.post("/v1/forms", json={"name": 7})
    assert answer.status_code == 401


async def test_without_keys_to_verify_with_the_caller_is_asked_to_come_back(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    missing = TrustSettings(jwks_file=tmp_path_factory.mktemp("empty") / "jwks.json")
    app = application("keyless")
    use_authority(app, TokenVerifier(missing), known_departments, SystemClock())
    app.get("/v1/guarded", dependencies=[Depends(require(OfficerRole.AUDITOR))])(_nothing)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://keyless") as client:
        answer = await client.get("/v1/guarded", headers={"Authorization": "Bearer x.y.z"})
    assert (answer.status_code, answer.json()["code"]) == (503, "identity_provider_unavailable")
    assert answer.headers["retry-after"] == "10"


async def _nothing() -> None: ...


def test_a_requirement_without_roles_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="Caller"):
        require()


async def test_the_command_line_prints_a_token_and_nothing_else(tmp_path: Path) -> None:
    command = typer.Typer()
    command.command()(print_token)
    asked = ["--department", "luoyang-court", "--role", "lister", "--role", "approver", "--unchecked"]
    printed = CliRunner().invoke(command, [*asked, "--folder", str(tmp_path)])
    assert printed.exit_code == 0, printed.output
    principal = await TokenVerifier(DevelopmentIssuer(tmp_path).trust).verify(printed.output.rstrip("\n"))
    assert principal.department == "luoyang-court"
    assert principal.roles == {OfficerRole.LISTER, OfficerRole.APPROVER}
