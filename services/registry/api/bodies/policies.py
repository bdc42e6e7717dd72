"""Bodies of `/v1/policies/governing`."""

from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from shared.contracts.policy import Policy
from shared.lawbook.policy import GROUPS, Governing, Ruling, Why, setting_of
from shared.lawbook.settings_in_use import SETTINGS_IN_USE, InUse
from shared.web.language import language
from shared.web.wording import Wording


class PolicyBody(BaseModel):
    policy_id: str
    version: int
    title: str
    region: str
    effective_from: date


class OverruledBody(BaseModel):
    """Another policy with another value, which does not govern."""

    policy_id: str
    version: int
    region: str
    value: Any


class SettingBody(BaseModel):
    """One setting that governs."""

    name: str
    called: str = Field(description="Its name in the caller's language")
    value: Any = Field(description="null: the clause exists and names no number (尽快, 及时)")
    policy_id: str
    policy_version: int
    region: str = Field(description="The region of the policy")
    document: str
    clause: str
    words: str
    example: bool = Field(description="No available document states it; a credit office must confirm")
    in_use: InUse = Field(description="planned: no service decides by it yet; informational: no rule follows from it")
    enforced_by: list[str] = Field(description="The services that decide by it; empty unless it is enforced")
    why: Why
    by: str = Field(description="By which day and place it was chosen, in words")
    because: str = Field(description="Why this policy, in words")
    over: list[OverruledBody]


class GoverningBody(BaseModel):
    """The settings that govern. A setting that no policy has is absent."""

    region: str
    domain: str | None
    decided_on: date
    act_on: date
    executed_in: str | None
    lawbook_version: int
    policies: list[PolicyBody]
    substance: list[SettingBody] = Field(description="By the day of the decision (实体从旧)")
    procedure: list[SettingBody] = Field(description="By the day of the procedural act (程序从新)")
    execution: list[SettingBody] = Field(description="By the place and day where it is carried out")


def governing_body(found: Governing, lawbook_version: int, wording: Wording) -> GoverningBody:
    asked = found.asked
    settings = {
        group: [_setting(ruling, wording) for ruling in found.rulings if ruling.group == group] for group in GROUPS
    }
    return GoverningBody(
        region=asked.region,
        domain=asked.domain_id,
        decided_on=asked.decided_on,
        act_on=asked.act_on,
        executed_in=asked.executed_in,
        lawbook_version=lawbook_version,
        policies=[_policy(policy) for policy in found.policies],
        **settings,
    )


def _policy(policy: Policy) -> PolicyBody:
    return PolicyBody(
        policy_id=policy.policy_id,
        version=policy.version,
        title=policy.title_zh,
        region=policy.region,
        effective_from=policy.effective_from,
    )


def _setting(ruling: Ruling, wording: Wording) -> SettingBody:
    setting, policy = ruling.setting, ruling.policy

    def in_words(term: str, **facts: object) -> str:
        return wording.term(term, facts, language()) or term

    use = SETTINGS_IN_USE[ruling.name]
    clause = setting.clause or in_words("PolicyClause.example")
    facts = {"place": ruling.place, "region": policy.region, "document": setting.document, "clause": clause}
    return SettingBody(
        name=ruling.name,
        called=in_words(f"PolicySetting.{ruling.name}"),
        value=setting.value,
        policy_id=policy.policy_id,
        policy_version=policy.version,
        region=policy.region,
        document=setting.document,
        clause=setting.clause,
        words=setting.words,
        example=setting.example,
        in_use=use.in_use,
        enforced_by=list(use.enforced_by),
        why=ruling.why,
        by=in_words(f"PolicyDay.{ruling.group}", day=ruling.on, place=ruling.place),
        because=in_words(f"PolicyWhy.{ruling.why}", **facts),
        over=[_overruled(policy, ruling) for policy in ruling.over],
    )


def _overruled(policy: Policy, ruling: Ruling) -> OverruledBody:
    setting = setting_of(policy, ruling.group, ruling.name)
    assert setting is not None  # the ruling found it
    return OverruledBody(policy_id=policy.policy_id, version=policy.version, region=policy.region, value=setting.value)
