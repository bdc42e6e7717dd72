"""Policies (制度): the settings by which a jurisdiction judges entries and acts, each with the clause that states it.

The documents disagree on many points, and national rules changed over time: so settings are data. If the documents of a policy do
not state a setting, the policy leaves it out, and it is taken from another policy of the region or of a higher region
(shared/lawbook/policy.py). There are three groups, because different days and places decide: substance goes by the day of the
decision, procedure by the day of the procedural act, execution by the day and place of execution.
"""

from datetime import date
from enum import StrEnum
from typing import Generic, TypeVar

from pydantic import Field

from shared.contracts.event import Contract, DomainId
from shared.contracts.kinds import ListKind, SubjectKind

T = TypeVar("T")


class Setting(Contract, Generic[T]):
    """One value of a policy, with its document and clause."""

    value: T
    document: str = Field(default="", description="Document number (文号)")
    clause: str = Field(default="", description="Clause in that document (条款)")
    words: str = Field(default="", description="The text of the clause, if available")
    example: bool = Field(
        default=False,
        description="No document states it, or its text is not available: a credit office must confirm it",
    )
    prevails: bool = Field(
        default=False, description="Applies even if a lower region states another value (上位法优于下位法)"
    )


class CuredInTime(StrEnum):
    """The consequence if the conduct is corrected in time (在规定期限内纠正)."""

    NOT_LISTED = "not_listed"
    """The subject need not be listed (可以不再列入)."""
    NO_LONGER_LISTED = "no_longer_listed"
    """The subject is no longer a target of joint punishment (不再作为联合惩戒对象)."""


class SuspensionBegins(StrEnum):
    """The event from which measures are suspended while a record is verified (信息核实期间)."""

    FILED = "filed"
    VERIFICATION = "verification"


class ReceivedBy(StrEnum):
    """The body that receives an objection."""

    CREDIT_CENTRE = "credit_centre"
    """信用中心: a department of the law book that is a credit office for the region."""
    CREDIT_OFFICE = "credit_office"
    """信用办: the same."""
    IMPLEMENTERS = "implementers"
    """The departments that implement measures which can follow from the list, in the jurisdiction of the entry."""


class CountsFrom(StrEnum):
    """The day from which a period of publicity counts."""

    DECISION = "decision"
    LISTING = "listing"


class RepairNeeds(StrEnum):
    """What a repair requires, besides the correction itself."""

    MINIMUM_PUBLICITY_PASSED = "minimum_publicity_passed"
    DUTIES_DONE = "duties_done"
    PUBLIC_COMMITMENT = "public_commitment"


class RepairStops(StrEnum):
    """What a repair ends."""

    PUBLICITY = "publicity"
    SHARING = "sharing"
    MEASURES = "measures"


class ThirdPartyLists(StrEnum):
    """How lists of associations, banks and agencies are used. They are always for reference only."""

    WEBSITE = "website"
    """Published on the credit website, for reference by government and society."""
    GOVERNMENT = "government"
    """Given to government departments for reference."""
    EXCHANGE = "exchange"
    """Exchanged between departments and market bodies."""


class Level(StrEnum):
    """The level of government that keeps something."""

    STATE = "state"
    CITY = "city"
    COUNTY = "county"


class Tier(Contract):
    """A grade of untrustworthiness (失信等级), or a tier at or below the black-list threshold: a code of its jurisdiction."""

    code: str
    name_zh: str
    name_en: str
    rank: int = Field(description="A higher rank is graver; unique in its jurisdiction")
    list_kind: ListKind | None = Field(default=None, description="The list it leads to; null: no list")
    public: bool = Field(default=False, description="Whether an entry of it may be published")


class PublicityLength(Contract):
    """How long a record of this grade is public, in months from the day named by `publicity_counts_from`."""

    grade: str | None = Field(default=None, description="A code of `grades`; null: every other grade")
    domains: tuple[DomainId, ...] = Field(default=(), description="Only in these domains; empty: in all others")
    at_least_months: int = 0
    at_most_months: int


class Substance(Contract):
    """Settings by the day of the decision (实体从旧): what is listed, how gravely, and whom measures reach."""

    grades: Setting[tuple[Tier, ...]] | None = None
    serious_acts: Setting[tuple[str, ...]] | None = Field(
        default=None, description="Fields and acts that are named as serious"
    )
    law_or_central_policy_only: Setting[bool] | None = Field(
        default=None, description="A serious black list needs a law or a central policy (国办发〔2020〕49号)"
    )
    longest_term_months: Setting[int | None] | None = Field(
        default=None, description="Null as a value: the documents leave it to others"
    )
    cured_in_time: Setting[CuredInTime] | None = None
    escalate_from_domains: Setting[int] | None = Field(
        default=None,
        description="Stronger measures if the subject is on the black lists of so many distinct domains (row 8)",
    )
    escalate_cooperatives: Setting[bool] | None = Field(
        default=None,
        description="Stronger measures reach farmers' cooperatives (农民专业合作社) besides enterprises (row 8)",
    )
    reach_responsible_persons: Setting[bool] | None = Field(default=None, description="落实到人 (row 9)")
    able_but_unwilling_matters: Setting[tuple[str, ...]] | None = Field(
        default=None,
        description="In these matters, only subjects with 有履行能力但拒不履行 are punished; empty: every black entry",
    )
    higher_loan_rates: Setting[bool] | None = Field(default=None, description="The measures include 提高贷款利率")
    issue_limits: Setting[bool] | None = Field(
        default=None, description="The measures include 限制股票发行上市融资或发行债券"
    )
    red_yields_to: Setting[tuple[ListKind, ...]] | None = Field(
        default=None, description="Incentives of a red entry are suspended while the subject is on one of these lists"
    )
    clean_record_years: Setting[int] | None = Field(default=None, description="Years without a bad record (row 12)")
    personal_records_kept_years: Setting[int] | None = Field(
        default=None, description="Years from the end of the act (失信行为终止之日), row 19"
    )


class Procedure(Contract):
    """Settings by the day of the procedural act (程序从新): notice, objection, publicity, repair, reporting."""

    notice_before_listing: Setting[bool] | None = None
    plea_working_days: Setting[int] | None = None
    suspend_measures_on_objection: Setting[bool] | None = None
    suspend_publicity_on_objection: Setting[bool] | None = None
    suspend_sharing_on_objection: Setting[bool] | None = None
    suspension_begins: Setting[SuspensionBegins] | None = None
    objection_received_by: Setting[tuple[ReceivedBy, ...]] | None = None
    objection_forward_days: Setting[int | None] | None = Field(
        default=None, description="Working days, like all days here; null as a value: no number is stated (尽快)"
    )
    objection_verify_days: Setting[int | None] | None = None
    objection_notify_days: Setting[int | None] | None = None
    objection_total_days: Setting[int | None] | None = None
    publicity_within_days: Setting[int | None] | None = None
    publicity_counts_from: Setting[CountsFrom] | None = None
    publicity_lengths: Setting[tuple[PublicityLength, ...]] | None = None
    community_service_helps: Setting[tuple[SubjectKind, ...]] | None = None
    repair_needs: Setting[tuple[RepairNeeds, ...]] | None = None
    repair_stops: Setting[tuple[RepairStops, ...]] | None = None
    repair_decided_within_days: Setting[int | None] | None = None
    repair_answered_within_days: Setting[int | None] | None = None
    repair_notice_with_decision: Setting[bool] | None = Field(default=None, description="两书同达")
    watch_moves_to_black_after_months: Setting[int] | None = None
    third_party_lists: Setting[ThirdPartyLists] | None = None
    list_keeper: Setting[Level] | None = None
    catalogue_keeper: Setting[Level] | None = None
    lists_published_by_credit_office: Setting[bool] | None = None
    reports_due: Setting[tuple[str, ...]] | None = Field(default=None, description="MM-DD each; empty: no fixed dates")


class Execution(Contract):
    """Settings of the place where a measure is executed, by the day of execution."""

    passed_up_matters: Setting[tuple[str, ...]] | None = Field(
        default=None, description="Measures in these matters are requested from the level above (提请), not taken"
    )
    feedback_required: Setting[bool] | None = None
    feedback_every_months: Setting[int] | None = None
    tell_subject_basis: Setting[bool] | None = Field(default=None, description="告知信用主体实施的依据和理由 (row 13)")


class Policy(Contract):
    """The settings of one region (and domain) by its documents, from one day on."""

    policy_id: str
    version: int = Field(ge=1)
    title_zh: str = ""
    region: str
    domains: tuple[DomainId, ...] = Field(default=(), description="Empty: every domain")
    effective_from: date
    effective_to: date | None = None
    substance: Substance = Substance()
    procedure: Procedure = Procedure()
    execution: Execution = Execution()
    example_settings: tuple[str, ...] = Field(
        default=(), description="Attributes of the policy itself that a credit office must confirm"
    )
