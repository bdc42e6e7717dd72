"""Policies (制度): the settings by which a jurisdiction judges entries and acts, each with the clause that states it.

The documents disagree on many points, and national rules moved on: that is data. A setting that a policy leaves out is not
said by its documents, and is taken from where it is: another policy of the region, or of a region above
(shared/lawbook/policy.py). Three groups, because they go by different days and places: substance by the day of the decision,
procedure by the day of the procedural act, execution by the place and day where a measure is carried out.
"""

from datetime import date
from enum import StrEnum
from typing import Generic, TypeVar

from pydantic import Field

from shared.contracts.event import Contract, DomainId
from shared.contracts.kinds import ListKind, SubjectKind

T = TypeVar("T")


class Setting(Contract, Generic[T]):
    """One thing that a policy says, and where it says so."""

    value: T
    document: str = Field(default="", description="Document number (文号)")
    clause: str = Field(default="", description="Clause in that document (条款)")
    words: str = Field(default="", description="The words of the clause, where they are at hand")
    example: bool = Field(
        default=False, description="No document states it (or its text is not at hand): a credit office must confirm"
    )
    prevails: bool = Field(
        default=False, description="Holds also where a region below says otherwise (上位法优于下位法)"
    )


class CuredInTime(StrEnum):
    """What follows when the conduct is corrected in time (在规定期限内纠正)."""

    NOT_LISTED = "not_listed"
    """Need not be listed at all (可以不再列入)."""
    NO_LONGER_LISTED = "no_longer_listed"
    """Is no longer a target of joint punishment (不再作为联合惩戒对象)."""


class SuspensionBegins(StrEnum):
    """From which event measures rest while a record is verified (信息核实期间)."""

    FILED = "filed"
    VERIFICATION = "verification"


class ReceivedBy(StrEnum):
    """Who receives an objection."""

    CREDIT_CENTRE = "credit_centre"
    CREDIT_OFFICE = "credit_office"
    IMPLEMENTERS = "implementers"


class CountsFrom(StrEnum):
    """From which day a period of publicity counts."""

    DECISION = "decision"
    LISTING = "listing"


class RepairNeeds(StrEnum):
    """What a repair asks for, besides the correction itself."""

    MINIMUM_PUBLICITY_PASSED = "minimum_publicity_passed"
    DUTIES_DONE = "duties_done"
    PUBLIC_COMMITMENT = "public_commitment"


class RepairStops(StrEnum):
    """What ends with a repair."""

    PUBLICITY = "publicity"
    SHARING = "sharing"
    MEASURES = "measures"


class ThirdPartyLists(StrEnum):
    """What becomes of lists that associations, banks and agencies make. For reference only, everywhere."""

    WEBSITE = "website"
    """Published on the credit website, for government and society to refer to."""
    GOVERNMENT = "government"
    """Handed to government departments to refer to."""
    EXCHANGE = "exchange"
    """Exchanged between departments and market bodies."""


class Level(StrEnum):
    """Whose task it is to keep something."""

    STATE = "state"
    CITY = "city"
    COUNTY = "county"


class Tier(Contract):
    """A grade of untrustworthiness (失信等级), or a tier below or at the black-list threshold: a code of its jurisdiction."""

    code: str
    name_zh: str
    name_en: str
    rank: int = Field(description="The higher, the graver; unique in its jurisdiction")
    list_kind: ListKind | None = Field(default=None, description="The list it leads to; none: to no list")
    public: bool = Field(default=False, description="Whether an entry of it may be published")


class PublicityLength(Contract):
    """How long a record of this grade is publicised. Months from the day that `publicity_counts_from` names."""

    grade: str | None = Field(default=None, description="A code of `grades`; none: every other grade")
    domains: tuple[DomainId, ...] = Field(default=(), description="Only in these; empty: in all others")
    at_least_months: int = 0
    at_most_months: int


class Substance(Contract):
    """What holds by the day of the decision (实体从旧): what is listed, how gravely, and whom measures reach."""

    grades: Setting[tuple[Tier, ...]] | None = None
    serious_acts: Setting[tuple[str, ...]] | None = Field(default=None, description="Fields and acts named as serious")
    law_or_central_policy_only: Setting[bool] | None = Field(
        default=None, description="A serious black list needs a law or a central policy (国办发〔2020〕49号)"
    )
    longest_term_months: Setting[int | None] | None = Field(
        default=None, description="None as a value: the documents leave it to others"
    )
    cured_in_time: Setting[CuredInTime] | None = None
    escalate_from_domains: Setting[int] | None = Field(
        default=None, description="On black lists of so many distinct domains: stronger measures (row 8)"
    )
    reach_responsible_persons: Setting[bool] | None = Field(default=None, description="落实到人 (row 9)")
    able_but_unwilling_matters: Setting[tuple[str, ...]] | None = Field(
        default=None,
        description="Punishments in these matters only for 有履行能力但拒不履行; empty: for every black entry",
    )
    higher_loan_rates: Setting[bool] | None = Field(default=None, description="提高贷款利率 is among the measures")
    issue_limits: Setting[bool] | None = Field(default=None, description="限制股票发行上市融资或发行债券 is among them")
    red_yields_to: Setting[tuple[ListKind, ...]] | None = Field(
        default=None, description="Incentives of a red entry rest while the subject stands on one of these lists"
    )
    clean_record_years: Setting[int] | None = Field(default=None, description="So long without a bad record (row 12)")
    personal_records_kept_years: Setting[int] | None = Field(
        default=None, description="From the end of the act (失信行为终止之日), row 19"
    )


class Procedure(Contract):
    """What holds by the day of the procedural act (程序从新): notice, objection, publicity, repair, reporting."""

    notice_before_listing: Setting[bool] | None = None
    plea_working_days: Setting[int] | None = None
    suspend_measures_on_objection: Setting[bool] | None = None
    suspend_publicity_on_objection: Setting[bool] | None = None
    suspend_sharing_on_objection: Setting[bool] | None = None
    suspension_begins: Setting[SuspensionBegins] | None = None
    objection_received_by: Setting[tuple[ReceivedBy, ...]] | None = None
    objection_forward_days: Setting[int | None] | None = Field(
        default=None, description="Working days, like all days here; none as a value: no number is set (尽快)"
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
    reports_due: Setting[tuple[str, ...]] | None = Field(
        default=None, description="MM-DD, each; empty: at times that nobody fixed"
    )


class Execution(Contract):
    """What holds where a measure is carried out, by the day on which it is."""

    passed_up_matters: Setting[tuple[str, ...]] | None = Field(
        default=None, description="Measures in these matters are asked of the level above (提请), not taken"
    )
    feedback_required: Setting[bool] | None = None
    feedback_every_months: Setting[int] | None = None
    tell_subject_basis: Setting[bool] | None = Field(default=None, description="告知信用主体实施的依据和理由 (row 13)")


class Policy(Contract):
    """What one region (and domain) says, by its documents, from a day on."""

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
