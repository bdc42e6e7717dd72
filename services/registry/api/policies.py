"""Which policy governs a decision and an act, setting by setting, with its clause and the reason why that one (row 7, N6)."""

from datetime import date
from typing import Annotated, Any, cast

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from shared.calendar.working_days import today
from shared.contracts.event import DomainId
from shared.contracts.policy import Policy, Setting
from shared.lawbook.policy import GROUPS, Governing, Question, Ruling, Why, governing
from shared.rejection import reject
from shared.web.access import Caller
from shared.web.core import CoreDep
from shared.web.language import language
from shared.web.wording import Wording

router = APIRouter(prefix="/v1/policies")


class PolicyNamed(BaseModel):
    policy_id: str
    version: int
    title: str
    region: str
    effective_from: date


class Overruled(BaseModel):
    """Another policy that says otherwise and does not govern."""

    policy_id: str
    version: int
    region: str
    value: Any


class SettingAnswer(BaseModel):
    """One setting as it governs."""

    name: str
    called: str = Field(description="What people call it, in the caller's language")
    value: Any = Field(description="None: the clause is there and names no number (尽快, 及时)")
    policy_id: str
    policy_version: int
    region: str = Field(description="Whose policy it is")
    document: str
    clause: str
    words: str
    example: bool = Field(description="No document at hand states it; a credit office must confirm")
    why: Why
    by: str = Field(description="By which day and place it was chosen, in words")
    because: str = Field(description="Why this one, in words")
    over: list[Overruled]


class GoverningAnswer(BaseModel):
    """Which policies govern. What no policy says anything about is not here."""

    region: str
    domain: str | None
    decided_on: date
    act_on: date
    executed_in: str | None
    lawbook_version: int
    policies: list[PolicyNamed]
    substance: list[SettingAnswer] = Field(description="By the day of the decision (实体从旧)")
    procedure: list[SettingAnswer] = Field(description="By the day of the procedural act (程序从新)")
    execution: list[SettingAnswer] = Field(description="By the place and day where it is carried out")


Region = Annotated[str, Query(pattern="^[0-9]{6}$", description="GB/T 2260, six digits; 000000 is the state")]


@router.get("/governing")
async def which_policy_governs(
    request: Request,
    core: CoreDep,
    who: Caller,
    region: Region,
    domain: Annotated[str | None, Query(description="A domain; none: what holds in every domain")] = None,
    decided_on: Annotated[date | None, Query(description="Day of the decision; today unless given")] = None,
    act_on: Annotated[date | None, Query(description="Day of the procedural act; today unless given")] = None,
    executed_in: Annotated[
        str | None, Query(pattern="^[0-9]{6}$", description="Where it is carried out, when that is elsewhere")
    ] = None,
) -> GoverningAnswer:
    """Which policy governs this, and why."""
    book = await core.lawbook.current()
    if domain is not None and book.domain(DomainId(domain)) is None:
        raise reject("unknown_domain", "query.domain", domain_id=domain)
    day = today(core.clock.now())
    asked = Question(region, DomainId(domain) if domain else None, decided_on or day, act_on or day, executed_in)
    found = governing(book, asked)
    wording = cast("Wording", request.app.state.wording)
    return GoverningAnswer(
        region=region,
        domain=domain,
        decided_on=asked.decided_on,
        act_on=asked.act_on,
        executed_in=executed_in,
        lawbook_version=book.version,
        policies=[_named(policy) for policy in found.policies],
        **{group: _settings(found, group, wording) for group in GROUPS},
    )


def _named(policy: Policy) -> PolicyNamed:
    return PolicyNamed(
        policy_id=policy.policy_id,
        version=policy.version,
        title=policy.title_zh,
        region=policy.region,
        effective_from=policy.effective_from,
    )


def _settings(found: Governing, group: str, wording: Wording) -> list[SettingAnswer]:
    return [_answer(ruling, wording) for ruling in found.rulings if ruling.group == group]


def _answer(ruling: Ruling, wording: Wording) -> SettingAnswer:
    setting, policy = ruling.setting, ruling.policy

    def say(term: str, **facts: object) -> str:
        return wording.term(term, facts, language()) or term

    clause = setting.clause or say("PolicyClause.example")
    facts = {"place": ruling.place, "region": policy.region, "document": setting.document, "clause": clause}
    return SettingAnswer(
        name=ruling.name,
        called=say(f"PolicySetting.{ruling.name}"),
        value=setting.value,
        policy_id=policy.policy_id,
        policy_version=policy.version,
        region=policy.region,
        document=setting.document,
        clause=setting.clause,
        words=setting.words,
        example=setting.example,
        why=ruling.why,
        by=say(f"PolicyDay.{ruling.group}", day=ruling.on, place=ruling.place),
        because=say(f"PolicyWhy.{ruling.why}", **facts),
        over=[_overruled(other, ruling) for other in ruling.over],
    )


def _overruled(policy: Policy, ruling: Ruling) -> Overruled:
    said = cast("Setting[Any]", getattr(getattr(policy, ruling.group), ruling.name))
    return Overruled(policy_id=policy.policy_id, version=policy.version, region=policy.region, value=said.value)
