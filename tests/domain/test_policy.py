"""Which policy governs, and why; and which policies contradict themselves."""

from datetime import date
from typing import Any, NamedTuple

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from services.catalogue.files.shipped import DOCUMENTS, shipped
from shared.contracts.event import DomainId
from shared.contracts.kinds import SubjectKind
from shared.contracts.lawbook_events import PolicyPublished
from shared.contracts.policy import CuredInTime, Level, Policy, ReceivedBy, ThirdPartyLists
from shared.contracts.vocabulary import PUBLIC
from shared.lawbook.book import LawBook
from shared.lawbook.policy import GROUPS, Governing, Question, Why, governing
from shared.lawbook.policy_faults import faults_of
from shared.lawbook.regions import regions_from
from tests.builders import a_book
from tests.policies import a_policy

LUOYANG, QIDONG, ZHONGMU, HEZUO, PUYANG = "410300", "320681", "410122", "623001", "410928"
SHIPPED = LawBook.empty().with_changes(shipped().changes())
STATE, PROVINCE, CITY, COUNTY = "000000", "410000", "410300", "410302"
TAX = DomainId("tax")
DAY = date(2024, 1, 2)


def asked(
    book: LawBook,
    region: str = COUNTY,
    *,
    decided_on: date = DAY,
    act_on: date = DAY,
    domain: DomainId | None = TAX,
    executed_in: str | None = None,
) -> Governing:
    return governing(book, Question(region, domain, decided_on, act_on, executed_in))


def why(found: Governing, name: str) -> tuple[str, Any, Why]:
    ruling = found.ruling(name)
    assert ruling is not None
    return ruling.policy.policy_id, ruling.setting.value, ruling.why


def test_what_a_region_leaves_out_it_takes_from_the_region_above() -> None:
    book = a_book(
        [
            a_policy("state", region=STATE, longest_term_months=36, clean_record_years=3),
            a_policy("county", region=COUNTY, longest_term_months=12),
        ]
    )
    found = asked(book)
    assert why(found, "longest_term_months") == ("county", 12, Why.OWN)
    assert why(found, "clean_record_years") == ("state", 3, Why.INHERITED)
    assert asked(book, PROVINCE).substance.longest_term_months is not None
    assert asked(book, "320681").ruling("escalate_from_domains") is None


def test_a_higher_authority_prevails_over_a_later_date_where_it_says_so() -> None:
    national = a_policy("state", region=STATE, effective_from=date(2018, 1, 1), objection_verify_days=3)
    days = national.procedure.objection_verify_days
    assert days is not None
    prevailing = national.model_copy(
        update={
            "procedure": national.procedure.model_copy(
                update={"objection_verify_days": days.model_copy(update={"prevails": True})}
            )
        }
    )
    later = a_policy("county", region=COUNTY, effective_from=date(2023, 1, 1), objection_verify_days=20)
    assert why(asked(a_book([national, later])), "objection_verify_days") == ("county", 20, Why.OWN)
    found = asked(a_book([prevailing, later]))
    assert why(found, "objection_verify_days") == ("state", 3, Why.HIGHER_AUTHORITY)
    ruling = found.ruling("objection_verify_days")
    assert ruling and [policy.policy_id for policy in ruling.over] == ["county"]


def test_in_one_region_the_policy_of_the_domain_comes_first_and_then_the_later_one() -> None:
    of_tax = a_policy("tax", domains=("tax",), effective_from=date(2018, 1, 1), longest_term_months=6)
    early = a_policy("early", effective_from=date(2019, 1, 1), longest_term_months=12)
    late = a_policy("late", effective_from=date(2020, 1, 1), longest_term_months=24)
    book = a_book([of_tax, early, late])
    assert why(asked(book, CITY), "longest_term_months") == ("tax", 6, Why.OWN)
    assert why(asked(book, CITY, domain=DomainId("safety")), "longest_term_months") == ("late", 24, Why.OWN)


def test_substance_goes_by_the_day_of_the_decision_and_procedure_by_the_day_of_the_act() -> None:
    first = a_policy("city", longest_term_months=36, objection_verify_days=20, feedback_required=False)
    second = a_policy(
        "city",
        version=2,
        effective_from=date(2024, 6, 1),
        longest_term_months=12,
        objection_verify_days=5,
        feedback_required=True,
    )
    found = asked(a_book([first, second]), CITY, decided_on=date(2024, 1, 2), act_on=date(2024, 7, 1))
    assert why(found, "longest_term_months")[1] == 36
    assert why(found, "objection_verify_days")[1] == 5
    assert why(found, "feedback_required")[1] is True


def test_a_policy_past_its_end_governs_nothing() -> None:
    book = a_book([a_policy("city", effective_to=date(2020, 12, 31), longest_term_months=12)])
    assert why(asked(book, CITY, decided_on=date(2020, 12, 31)), "longest_term_months")[1] == 12
    assert asked(book, CITY, decided_on=date(2021, 1, 1)).ruling("longest_term_months") is None


def test_execution_in_another_jurisdiction_is_governed_by_the_policy_of_that_place() -> None:
    found = asked(SHIPPED, LUOYANG, executed_in=QIDONG, decided_on=date(2024, 1, 2), act_on=date(2024, 2, 1))
    assert why(found, "escalate_from_domains")[0] == "luoyang-2017"
    assert why(found, "publicity_within_days")[0] == "luoyang-2017"
    passed_up = found.ruling("passed_up_matters")
    assert passed_up and (passed_up.policy.policy_id, passed_up.place) == ("qidong-2019", QIDONG)
    at_home = asked(SHIPPED, LUOYANG).ruling("passed_up_matters")
    assert at_home and at_home.setting.value == () and at_home.place == LUOYANG


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ({"objection_forward_days": 5, "objection_verify_days": 5, "objection_notify_days": 3, "objection_total_days": 12},
         ("steps_longer_than_whole", "procedure.objection_total_days")),
        ({"notice_before_listing": False, "plea_working_days": 5},
         ("plea_without_notice", "procedure.plea_working_days")),
        ({"publicity_lengths": [{"at_least_months": 12, "at_most_months": 3}]},
         ("least_above_most", "procedure.publicity_lengths.value[0].at_least_months")),
        ({"reports_due": ["13-05"]}, ("not_a_day_of_the_year", "procedure.reports_due.value[0]")),
        ({"red_yields_to": ["red"]}, ("red_yields_to_red", "substance.red_yields_to.value")),
        ({"escalate_from_domains": 1}, ("number_too_small", "substance.escalate_from_domains.value")),
        ({"objection_verify_days": -1}, ("number_too_small", "procedure.objection_verify_days.value")),
        ({"grades": []}, ("field_missing", "substance.grades.value")),
        ({"repair_needs": ["duties_done"], "repair_stops": []},
         ("repair_stops_nothing", "procedure.repair_stops.value")),
    ],
)  # fmt: skip
def test_a_contradiction_in_a_policy_is_reported_with_the_field(broken: dict[str, Any], fault: tuple[str, str]) -> None:
    assert [(found.code, found.field) for found in faults_of(a_policy(**broken))] == [fault]


def tier(code: str, rank: int, list_kind: str | None = None, *, public: bool = False) -> dict[str, object]:
    return {"code": code, "name_zh": code, "name_en": code, "rank": rank, "list_kind": list_kind, "public": public}


@pytest.mark.parametrize(
    ("tiers", "fault"),
    [
        ([tier("a", 1), tier("a", 2)], "given_twice"),
        ([tier("a", 1), tier("b", 1)], "given_twice"),
        ([tier("a", 1, "watch", public=True)], "only_black_tier_public"),
        ([tier("a", 1, "black"), tier("b", 2, "watch")], "graver_tier_milder_list"),
    ],
)
def test_tiers_that_contradict_each_other_are_refused(tiers: list[dict[str, object]], fault: str) -> None:
    assert [found.code for found in faults_of(a_policy(grades=tiers))] == [fault]


def test_a_setting_names_its_clause_or_is_marked_as_an_example() -> None:
    policy = Policy.model_validate(
        {**a_policy().model_dump(), "substance": {"clean_record_years": {"value": 3, "document": "示例〔2017〕1号"}}}
    )
    assert [(f.code, f.field) for f in faults_of(policy)] == [
        ("setting_without_clause", "substance.clean_record_years.clause")
    ]


def test_a_county_policy_cannot_prevail_over_another_policy() -> None:
    setting = {"value": 3, "clause": "一", "prevails": True}
    policy = Policy.model_validate(
        {**a_policy(region=COUNTY).model_dump(), "substance": {"clean_record_years": setting}}
    )
    assert [f.code for f in faults_of(policy)] == ["prevails_over_nobody"]


def test_a_policy_of_the_first_version_is_read_with_what_it_did_not_say_as_unsaid() -> None:
    old = """{"lawbook_version": 3, "policy": {"policy_id": "city", "version": 1, "region": "410300",
              "effective_from": "2017-10-24", "suspend_measures_on_objection": false, "plea_working_days": 0,
              "notice_before_listing": false, "longest_term_months": null, "verify_objection_within_days": null,
              "clauses": {"suspend_measures_on_objection": "示例 五(八)", "verify_objection_within_days": "示例 六"}}}"""
    event = PUBLIC.decode("lawbook.policy.published.v1", old)
    assert isinstance(event, PolicyPublished)
    procedure = event.policy.procedure
    assert procedure.suspend_measures_on_objection is not None
    assert not procedure.suspend_measures_on_objection.value
    assert procedure.suspend_measures_on_objection.clause == "示例 五(八)"
    assert procedure.objection_verify_days is not None and procedure.objection_verify_days.value is None
    assert procedure.notice_before_listing is not None and procedure.notice_before_listing.example
    assert event.policy.substance.longest_term_months is None
    assert faults_of(event.policy) == []


# --- the policies that ship ------------------------------------------------------------------------------------------


def test_no_policy_that_ships_contradicts_itself() -> None:
    assert [faults_of(policy) for policy in shipped().policies if faults_of(policy)] == []


@pytest.mark.parametrize("policy", shipped().policies, ids=lambda p: f"{p.policy_id}-{p.version}")
def test_every_setting_stands_in_its_document_or_is_marked_as_an_example(policy: Policy) -> None:
    def plain(text: str) -> str:
        return "".join(text.split())

    for group in GROUPS:
        for name, setting in getattr(policy, group):
            if setting is None or setting.example:
                continue
            assert setting.words, name
            file = DOCUMENTS / f"{setting.document}.txt"
            assert file.exists(), f"{name}: {setting.document}"
            text = plain(file.read_text(encoding="utf-8"))
            assert plain(setting.words) in text, name
            if name == "serious_acts":
                missing = [act for act in setting.value if plain(act) not in text]
                assert missing == []


DISAGREEMENTS = {
    # setting: (Luoyang 2017, Qidong 2019, Zhongmu 2017, Hezuo 2023, Puyang County 2022), as docs/requirements.md lists them
    "suspend_measures_on_objection": (True, True, False, True, True),
    "objection_verify_days": (None, None, 5, None, None),
    "objection_total_days": (..., ..., 12, ..., ...),
    "objection_received_by": (
        (ReceivedBy.IMPLEMENTERS,),
        (ReceivedBy.IMPLEMENTERS,),
        (ReceivedBy.CREDIT_CENTRE,),
        (ReceivedBy.IMPLEMENTERS,),
        (ReceivedBy.IMPLEMENTERS, ReceivedBy.CREDIT_OFFICE),
    ),
    "publicity_within_days": (7, 7, None, 7, 7),
    "cured_in_time": (
        CuredInTime.NO_LONGER_LISTED,
        CuredInTime.NO_LONGER_LISTED,
        CuredInTime.NOT_LISTED,
        CuredInTime.NO_LONGER_LISTED,
        CuredInTime.NO_LONGER_LISTED,
    ),
    "community_service_helps": (
        *[(SubjectKind.PERSON,)] * 4,
        (SubjectKind.PERSON, SubjectKind.LEGAL, SubjectKind.OTHER),
    ),
    "third_party_lists": (
        ThirdPartyLists.GOVERNMENT,
        ThirdPartyLists.WEBSITE,
        ThirdPartyLists.GOVERNMENT,
        ThirdPartyLists.GOVERNMENT,
        ThirdPartyLists.EXCHANGE,
    ),
    "passed_up_matters": ((), ("flights-and-trains",), (), (), ()),
    "able_but_unwilling_matters": (*[("high-consumption", "flights-and-trains")] * 4, ()),
    "escalate_from_domains": (2, ..., 2, ..., ...),
    "reach_responsible_persons": (True, True, True, True, True),
    "higher_loan_rates": (True, True, True, True, True),
    "issue_limits": (True, True, True, True, True),
    "catalogue_keeper": (..., ..., ..., ..., Level.CITY),
    "list_keeper": (..., ..., ..., ..., Level.COUNTY),
    "reports_due": (("07-05", "01-05"), ..., (), ..., ()),
    "personal_records_kept_years": (..., ..., 5, ..., ...),
    "clean_record_years": (3, 3, 3, 3, 3),
    "feedback_required": (True, True, True, True, True),
}


@pytest.mark.parametrize("name", DISAGREEMENTS)
def test_every_disagreement_of_the_documents_is_a_setting(name: str) -> None:
    decided = date(2024, 1, 2)
    found = [asked(SHIPPED, region, decided_on=decided) for region in (LUOYANG, QIDONG, ZHONGMU, HEZUO, PUYANG)]
    values = tuple(ruling.setting.value if (ruling := one.ruling(name)) else ... for one in found)
    assert values == DISAGREEMENTS[name]


def test_what_only_some_documents_name_is_own_there_and_inherited_elsewhere() -> None:
    def whose(name: str, region: str) -> Why:
        return why(asked(SHIPPED, region), name)[2]

    assert [whose("higher_loan_rates", r) for r in (QIDONG, ZHONGMU, LUOYANG)] == [Why.OWN, Why.OWN, Why.INHERITED]
    assert [whose("issue_limits", r) for r in (LUOYANG, QIDONG)] == [Why.OWN, Why.INHERITED]
    assert whose("reach_responsible_persons", PUYANG) is Why.INHERITED
    only_qidong = {"违法建设", "违法交通", "无证办学", "套取骗取住房公积金"}
    acts = {region: set(why(asked(SHIPPED, region), "serious_acts")[1]) for region in (LUOYANG, QIDONG, HEZUO)}
    assert only_qidong <= acts[QIDONG] and not only_qidong & (acts[LUOYANG] | acts[HEZUO])
    assert "强制性产品认证" in acts[QIDONG] & acts[HEZUO] and "强制性产品认证" not in acts[LUOYANG]


def test_the_national_rules_of_2023_and_2026_prevail_by_the_day_of_the_act() -> None:
    def lengths(act_on: date) -> list[tuple[str | None, int, int]]:
        found = asked(SHIPPED, ZHONGMU, decided_on=date(2022, 1, 4), act_on=act_on, domain=TAX)
        lengths = found.procedure.publicity_lengths
        return (
            [(one.grade, one.at_least_months, one.at_most_months) for one in lengths.value if not one.domains]
            if lengths
            else []
        )

    assert lengths(date(2023, 4, 30)) == []
    assert lengths(date(2023, 5, 1)) == [(None, 3, 36)]
    assert lengths(date(2026, 4, 1)) == [("minor", 0, 3), (None, 3, 12), ("serious", 12, 36)]
    found = asked(SHIPPED, ZHONGMU, act_on=date(2026, 4, 1))
    assert why(found, "repair_stops")[2] is Why.HIGHER_AUTHORITY


# --- any published policies -------------------------------------------------------------------------------------------


class Generated(NamedTuple):
    nth: int
    region: str
    year: int
    years: int | None
    domains: tuple[str, ...]

    def policy(self) -> Policy:
        settings: dict[str, Any] = {"clean_record_years": self.years} if self.years else {}
        begins = date(self.year, 1, 1)
        return a_policy(f"p{self.nth}", region=self.region, domains=self.domains, effective_from=begins, **settings)


GENERATED = st.builds(
    Generated,
    st.integers(0, 3),
    st.sampled_from([STATE, PROVINCE, CITY, COUNTY, "320681"]),
    st.integers(2015, 2026),
    st.none() | st.integers(1, 9),
    st.sampled_from([(), ("tax",)]),
)
POLICIES = st.lists(GENERATED, max_size=4, unique_by=lambda one: one.nth)


@for_all(POLICIES, st.sampled_from([COUNTY, CITY, "320681"]), st.dates(date(2014, 1, 1), date(2027, 1, 1)))
@settings(max_examples=150, deadline=None)
def test_the_governing_policy_is_in_force_in_its_region_on_its_day(
    generated: list[Generated], region: str, day: date
) -> None:
    policies = [one.policy() for one in generated]
    found = asked(a_book(policies), region, decided_on=day, act_on=day)
    above = regions_from(region)
    for ruling in found.rulings:
        assert ruling.policy.effective_from <= day
        assert ruling.policy.region in above
    has_ruling = any(p.effective_from <= day and p.region in above and p.substance.clean_record_years for p in policies)
    assert (found.ruling("clean_record_years") is not None) is has_ruling
    again = asked(a_book(reversed(policies)), region, decided_on=day, act_on=day)
    assert [(r.name, r.setting) for r in found.rulings] == [(r.name, r.setting) for r in again.rulings], (
        "the order of publication decides nothing"
    )
