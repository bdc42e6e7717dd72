"""The law book, folded from its stream: what it answers, as of which day, for which region."""

from datetime import date
from typing import Any

import pytest

from shared.contracts.directory import BasisId, CategoryId, LegalBasis, Matter, MatterId, Region, RegionLevel
from shared.contracts.event import DepartmentId, DomainId, InstrumentId, MeasureId
from shared.contracts.lawbook import (
    Basis,
    Department,
    Domain,
    Instrument,
    ItemKind,
    ListKind,
    Measure,
    MeasureKind,
    Target,
    Undoing,
    Works,
)
from shared.contracts.lawbook_events import (
    ItemRetired,
    LawbookChange,
    SettingsConfirmed,
)
from shared.contracts.policy import Policy, Setting, Substance
from shared.lawbook.book import LawBook
from shared.lawbook.effect import confirmed, open_settings
from shared.lawbook.items import Item, publications
from shared.lawbook.memo import Memo
from shared.lawbook.policy import Policies, Question, governing
from shared.lawbook.published import GapInLawBook
from shared.lawbook.regions import governs, regions_from
from tests.builders import a_book, a_department, a_domain, a_measure, an_instrument

TAX, SAFETY, UNKNOWN = DomainId("tax"), DomainId("work-safety"), DomainId("unknown")
BUREAU, MEMO, REVIEW = DepartmentId("bureau"), InstrumentId("memo"), MeasureId("strict-review")
IN_2017, IN_2018, IN_2019 = date(2017, 11, 6), date(2018, 6, 1), date(2019, 6, 1)
BLACK, RED = ListKind.BLACK, ListKind.RED


def measure(
    measure_id: MeasureId = REVIEW, version: int = 1, lists: tuple[ListKind, ...] = (BLACK,), **changes: Any
) -> Measure:
    """A measure of the bureau by the instrument `memo`, since 2017. `domains`, `clean_record_years`: of its target."""
    target = {"lists": lists, "domains": changes.pop("domains", ())}
    target["clean_record_years"] = changes.pop("clean_record_years", None)
    standard: dict[str, Any] = {
        "kind": MeasureKind.DISCIPLINE if BLACK in lists else MeasureKind.INCENTIVE,
        "works": Works.OCCASION,
        "target": Target.model_validate(target),
        "implementers": (BUREAU,),
        "basis": (Basis(document="示例〔2017〕1号", article="一", valid_from=date(2017, 10, 24)),),
        "on_error": Undoing.STOP,
        "effective_from": date(2017, 10, 24),
    }
    return a_measure(measure_id, version, **{**standard, **changes})


def instrument(version: int = 1, in_force_from: date = date(2017, 10, 24)) -> Instrument:
    return an_instrument(MEMO, version, region="410300", in_force_from=in_force_from)


def policy(
    policy_id: str,
    region: str,
    version: int = 1,
    domains: tuple[DomainId, ...] = (),
    effective_from: date = date(2017, 1, 1),
    effective_to: date | None = None,
) -> Policy:
    """A policy with one setting: the policy of its ruling is the one that governs."""
    return Policy(
        policy_id=policy_id,
        version=version,
        region=region,
        domains=domains,
        effective_from=effective_from,
        effective_to=effective_to,
        substance=Substance(longest_term_months=Setting(value=36, clause="示例")),
    )


def policy_for(book: LawBook, region: str, domain_id: DomainId | None, day: date) -> Policy | None:
    """The policy that governs there on that day."""
    ruling = governing(book, Question(region, domain_id, day, day)).ruling("longest_term_months")
    return ruling.policy if ruling else None


def domain(domain_id: DomainId) -> Domain:
    return a_domain(domain_id, lists=(BLACK, RED), may_list=(BUREAU,))


def department(name: str = "示例局") -> Department:
    return a_department(BUREAU, name_zh=name)


def change(version: int, item: Item) -> LawbookChange:
    """The event that publishes the item in this version of the book."""
    [published] = publications([item], version - 1)
    return published


def book_of(*items: Item) -> LawBook:
    return a_book(items)


def test_an_empty_book_has_no_items():
    book = LawBook.empty()
    assert book.version == 0
    assert book.department(BUREAU) is None
    assert book.domain(TAX) is None
    assert book.instrument(MEMO) is None
    assert book.instrument_on(MEMO, IN_2017) is None
    assert book.measure(REVIEW) is None
    assert book.measure_on(REVIEW, IN_2017) is None
    assert book.policy("p") is None
    assert policy_for(book, "410302", TAX, IN_2017) is None
    assert book.measures == ()
    assert book.measures_for(TAX, BLACK) == book.measures_for(TAX, BLACK, IN_2017) == ()


def test_every_change_makes_a_new_book_and_leaves_the_old_one_as_it_was():
    before = book_of(department("示例局"))
    after = before.with_change(change(2, department("示例新局")))
    assert (before.version, after.version) == (1, 2)
    assert before.department(BUREAU) == department("示例局")
    assert after.department(BUREAU) == department("示例新局")


def test_a_change_that_is_already_known_is_passed_over():
    book = book_of(department("示例局"), domain(TAX))
    assert book.with_change(change(1, department("别的"))) is book
    assert book.with_change(change(2, department("别的"))) is book


def test_a_change_that_comes_too_early_is_refused():
    with pytest.raises(GapInLawBook) as gap:
        book_of(department()).with_change(change(3, domain(TAX)))
    assert (gap.value.expected, gap.value.found) == (2, 3)


def test_the_latest_version_is_answered_and_all_are_kept():
    book = book_of(instrument(1), instrument(2, IN_2018), measure(version=1), measure(version=2))
    assert book.instrument(MEMO) == instrument(2, IN_2018)
    assert book.instrument(MEMO, 1) == instrument(1)
    assert book.instrument(MEMO, 3) is None
    assert book.instrument_versions(MEMO) == (instrument(1), instrument(2, IN_2018))
    assert book.instruments == (instrument(2, IN_2018),)
    assert book.measures == (measure(version=2),)
    assert book.measure(REVIEW, 1) == measure(version=1)


def test_an_instrument_is_answered_in_the_version_that_had_begun_on_the_day():
    book = book_of(instrument(1), instrument(2, IN_2018))
    assert book.instrument_on(MEMO, IN_2017) == instrument(1)
    assert book.instrument_on(MEMO, IN_2018) == instrument(2, IN_2018)
    assert book.instrument_on(MEMO, date(2000, 1, 1)) == instrument(1)


def test_measures_are_found_by_domain_and_list():
    everywhere, tax_only = measure(MeasureId("a")), measure(MeasureId("b"), domains=(TAX,))
    incentive = measure(MeasureId("c"), lists=(RED,), clean_record_years=3)
    book = book_of(domain(TAX), domain(SAFETY), tax_only, everywhere, incentive)
    assert book.measures_for(TAX, BLACK) == (everywhere, tax_only)
    assert book.measures_for(SAFETY, BLACK) == (everywhere,)
    assert book.measures_for(SAFETY, RED) == (incentive,)
    assert book.measures_for(SAFETY, ListKind.WATCH) == ()
    assert book.clean_record_measures == (incentive,)


def test_an_unknown_domain_has_no_measures():
    book = book_of(domain(TAX), measure())
    assert book.measures_for(UNKNOWN, BLACK) == book.measures_for(UNKNOWN, BLACK, IN_2017) == ()


def test_a_later_version_of_a_measure_says_nothing_about_earlier_decisions():
    old = measure(version=1, domains=(TAX,))
    new = measure(version=2, domains=(SAFETY,), effective_from=IN_2019)
    book = book_of(domain(TAX), domain(SAFETY), old, new)
    assert book.measures_for(TAX, BLACK) == ()
    assert book.measures_for(TAX, BLACK, IN_2018) == (old,)
    assert book.measures_for(SAFETY, BLACK, IN_2018) == ()
    assert book.measures_for(SAFETY, BLACK, IN_2019) == (new,)
    assert book.measures_for(TAX, BLACK, IN_2019) == ()


def test_a_measure_that_has_not_begun_is_found_so_that_its_refusal_can_be_seen():
    future = measure(effective_from=IN_2019)
    assert book_of(domain(TAX), future).measures_for(TAX, BLACK, IN_2017) == (future,)


def test_the_policy_of_the_most_specific_region_governs():
    state, city = policy("state", "000000"), policy("city", "410300")
    province, county = policy("province", "410000"), policy("county", "410302")
    book = book_of(state, city, province, county)
    assert policy_for(book, "410302", TAX, IN_2017) == county
    assert policy_for(book, "410303", TAX, IN_2017) == city
    assert policy_for(book, "410100", TAX, IN_2017) == province
    assert policy_for(book, "623001", TAX, IN_2017) == state
    assert policy_for(book, "000000", TAX, IN_2017) == state


def test_a_policy_of_the_domain_comes_before_one_of_every_domain_in_the_same_region():
    general, of_tax = policy("general", "410300"), policy("a-tax", "410300", domains=(TAX,))
    book = book_of(general, of_tax)
    assert policy_for(book, "410302", TAX, IN_2017) == of_tax
    assert policy_for(book, "410302", SAFETY, IN_2017) == general
    assert policy_for(book, "410302", None, IN_2017) == general


def test_a_policy_governs_only_on_the_days_on_which_it_holds():
    state = policy("state", "000000", effective_from=date(2016, 5, 30))
    city = policy("city", "410300", effective_from=date(2017, 10, 24), effective_to=date(2018, 12, 31))
    book = book_of(state, city)
    assert policy_for(book, "410300", TAX, date(2017, 10, 23)) == state
    assert policy_for(book, "410300", TAX, date(2017, 10, 24)) == city
    assert policy_for(book, "410300", TAX, date(2018, 12, 31)) == city
    assert policy_for(book, "410300", TAX, date(2019, 1, 1)) == state
    assert policy_for(book, "410300", TAX, date(2016, 5, 29)) is None


def test_a_version_of_a_policy_that_has_begun_replaces_the_earlier_one_for_good():
    first = policy("city", "410300")
    second = policy("city", "410300", version=2, effective_from=IN_2018, effective_to=IN_2019)
    book = book_of(first, second)
    assert policy_for(book, "410300", TAX, IN_2017) == first
    assert policy_for(book, "410300", TAX, IN_2018) == second
    assert policy_for(book, "410300", TAX, date(2020, 1, 1)) is None


@pytest.mark.parametrize(
    ("region", "jurisdiction", "holds"),
    [
        ("000000", "410302", True),
        ("000000", "000000", True),
        ("410000", "410302", True),
        ("410300", "410302", True),
        ("410300", "410300", True),
        ("410302", "410302", True),
        ("410302", "410300", False),
        ("410302", "410303", False),
        ("410300", "410402", False),
        ("410300", "000000", False),
        ("410000", "420000", False),
    ],
)
def test_what_was_issued_for_a_region_holds_in_all_of_it_and_nowhere_else(region: str, jurisdiction: str, holds: bool):
    assert governs(region, jurisdiction) is holds


def test_a_region_belongs_to_its_city_its_province_and_the_state():
    assert regions_from("410302") == ("410302", "410300", "410000", "000000")
    assert regions_from("410300") == ("410300", "410000", "000000")
    assert regions_from("000000") == ("000000",)


# --- what the book records about its items

SECTOR, LAW, COUNTY = CategoryId("sector-authorities"), BasisId("example-law-3"), "410122"


def office(department_id: str, region: str, *categories: CategoryId) -> Department:
    return a_department(department_id, region=region, categories=categories)


def law(version: int = 1, valid_from: date = date(2016, 1, 1), valid_to: date | None = None) -> LegalBasis:
    return LegalBasis(
        basis_id=LAW,
        version=version,
        document="示例法",
        article=f"第{version}条",
        issued_by="示例",
        valid_from=valid_from,
        valid_to=valid_to,
    )


def retire(book: LawBook, kind: ItemKind, item_id: str, last_day: date) -> LawBook:
    version = book.version + 1
    retired = ItemRetired(lawbook_version=version, kind=kind, item_id=item_id, last_day=last_day, reason="示例")
    return book.with_change(retired)


def in_effect(book: LawBook) -> Measure:
    found = book.measure(REVIEW)
    assert found is not None
    return found


def test_a_kind_of_bodies_means_those_of_the_place_where_a_measure_is_carried_out() -> None:
    state_wide = instrument().model_copy(update={"region": "000000"})
    by_kind = measure().model_copy(update={"implementers": (), "implementer_categories": (SECTOR,)})
    book = book_of(
        office("city", "410300", SECTOR),
        office("county-of-it", "410302", SECTOR),
        office("province", "410000", SECTOR),
        office("elsewhere", "320681", SECTOR),
        office("no-such-kind", "410300"),
        state_wide,
        by_kind,
    )
    named = {d.department_id for d in book.implementers_of(in_effect(book), "410300")}
    assert named == {"city", "county-of-it", "province"}
    assert {d.category_id for d in book.implementers_of(in_effect(book), "410300")} == {SECTOR}
    assert "elsewhere" in in_effect(book).implementers


def test_an_instrument_of_a_city_reaches_the_bodies_of_that_city_and_none_above_it() -> None:
    by_kind = measure().model_copy(update={"implementers": (), "implementer_categories": (SECTOR,)})
    book = book_of(office("city", "410300", SECTOR), office("province", "410000", SECTOR), instrument(), by_kind)
    assert [d.department_id for d in book.implementers_of(in_effect(book), "410300")] == ["city"]


def test_who_is_named_and_also_of_the_kind_carries_it_out_once() -> None:
    by_both = measure().model_copy(update={"implementer_categories": (SECTOR,)})
    book = book_of(office(BUREAU, "410300", SECTOR), instrument(), by_both)
    assert book.implementers_of(in_effect(book), "410300") == ((BUREAU, None),)


def test_a_department_that_ended_carries_nothing_out_and_is_of_no_kind() -> None:
    by_both = measure().model_copy(update={"implementer_categories": (SECTOR,)})
    book = book_of(office(BUREAU, "410300"), office("other", "410300", SECTOR), instrument(), by_both)
    assert [d.department_id for d in book.implementers_of(in_effect(book), "410300")] == [BUREAU, "other"]
    for ended in (BUREAU, DepartmentId("other")):
        book = retire(book, ItemKind.DEPARTMENTS, ended, IN_2019)
    assert in_effect(book).implementers == ()
    assert book.implementers_of(in_effect(book), "410300") == ()


def test_a_measure_has_the_bases_that_it_names_in_every_version_each_while_it_holds() -> None:
    cited = measure().model_copy(update={"basis": (), "basis_ids": (LAW,)})
    book = book_of(law(), law(2, valid_from=IN_2019), cited)
    old, new = in_effect(book).basis
    assert (old.holds_on(IN_2018), old.holds_on(IN_2019)) == (True, False)
    assert (new.holds_on(IN_2018), new.holds_on(IN_2019)) == (False, True)
    assert {old.basis_id, new.basis_id} == {LAW}


def test_a_basis_that_ends_is_lost_to_every_measure_that_names_it() -> None:
    cited = measure().model_copy(update={"basis": (), "basis_ids": (LAW,)})
    book = retire(book_of(law(), cited), ItemKind.BASES, LAW, IN_2018)
    assert [basis.valid_to for basis in in_effect(book).basis] == [IN_2018]


def test_a_retired_measure_ends_and_can_still_be_read_as_it_was_published() -> None:
    book = retire(book_of(measure()), ItemKind.MEASURES, REVIEW, IN_2018)
    assert in_effect(book).effective_to == IN_2018
    assert book.published(ItemKind.MEASURES, REVIEW) == measure()


def test_nobody_may_list_in_a_domain_that_ended() -> None:
    book = retire(book_of(domain(TAX)), ItemKind.DOMAINS, TAX, IN_2018)
    ended = book.domain(TAX)
    assert ended is not None
    assert (ended.may_list, ended.retired_on) == ((), IN_2018)


def test_a_setting_that_was_confirmed_is_no_example_any_more_in_that_version_only() -> None:
    first = measure().model_copy(update={"example_settings": ("force", "works")})
    book = book_of(first, first.model_copy(update={"version": 2}))
    setting: dict[str, Any] = {
        "kind": ItemKind.MEASURES,
        "item_id": REVIEW,
        "item_version": 1,
        "settings": ("force",),
        "note": "示例",
    }
    book = book.with_change(SettingsConfirmed(lawbook_version=book.version + 1, **setting))
    assert [version.example_settings for version in book.measure_versions(REVIEW)] == [("works",), ("force", "works")]


def test_a_policy_has_its_settings_confirmed_by_their_path() -> None:
    plea = {"plea_working_days": {"value": 5, "example": True}}
    ours = Policy.model_validate({**policy("p", "410300").model_dump(), "procedure": plea})
    assert open_settings(ours) == ("procedure.plea_working_days",)
    assert open_settings(confirmed(ours, ["procedure.plea_working_days"])) == ()


def test_a_memorandum_that_follows_one_of_a_level_above_binds_its_measures_and_copies_none() -> None:
    above, ours = InstrumentId("of-the-state"), InstrumentId("ours")
    state_wide = instrument().model_copy(update={"instrument_id": above, "region": "000000"})
    following = instrument().model_copy(update={"instrument_id": ours, "follows": (above,)})
    book = book_of(state_wide, following, measure().model_copy(update={"instrument_id": above}))
    assert [found.measure_id for found in book.measures_under(ours)] == [REVIEW]


def test_regions_follow_their_tree_and_where_it_ends_their_codes() -> None:
    regions = (
        Region(code="000000", name_zh="中国", level=RegionLevel.STATE),
        Region(code="419000", name_zh="河南省", parent="000000", level=RegionLevel.PROVINCE),
        Region(code="419001", name_zh="济源市", parent="419000", level=RegionLevel.COUNTY),
    )
    book = book_of(*regions)
    assert (book.version, book.lineage("419001")) == (1, ("419001", "419000", "000000"))
    assert book.lineage("410302") == ("410302", "410300", "410000", "000000")


def test_who_handles_a_matter_must_check_in_it() -> None:
    names: dict[str, Any] = {"name_zh": "行政许可审批", "name_en": "Licences"}
    matter = Matter(matter_id=MatterId("licence"), checked_by=(BUREAU,), checked_by_categories=(SECTOR,), **names)
    book = book_of(office("sector", "410300", SECTOR), office("other", "320681", SECTOR), matter)
    assert book.checked_by(book.matters[MatterId("licence")], "410300") == (BUREAU, "sector")


def test_a_body_of_another_region_does_not_handle_a_matter_here() -> None:
    names: dict[str, Any] = {"name_zh": "行政许可审批", "name_en": "Licences"}
    here, above, elsewhere = (DepartmentId(name) for name in ("here", "above", "elsewhere"))
    matter = Matter(matter_id=MatterId("licence"), checked_by=(here, above, elsewhere), **names)
    book = book_of(office(here, "410300"), office(above, "000000"), office(elsewhere, "320681"), matter)
    assert book.checked_by(book.matters[MatterId("licence")], "410300") == (here, above)
    assert book.checked_by(book.matters[MatterId("licence")], "320681") == (above, elsewhere)


def test_what_is_published_anew_after_its_retirement_begins_anew() -> None:
    book = retire(book_of(measure(), office(BUREAU, "410300")), ItemKind.MEASURES, REVIEW, IN_2018)
    book = retire(book, ItemKind.DEPARTMENTS, BUREAU, IN_2018)
    again = publications((measure(version=2, effective_from=IN_2019), office(BUREAU, "410300")), book.version)
    book = book.with_changes(again)
    assert [version.effective_to for version in book.measure_versions(REVIEW)] == [IN_2018, None]
    assert book.departments[BUREAU].retired_on is None
    assert book.last_day(ItemKind.MEASURES, REVIEW) is None


def test_a_book_can_be_read_as_of_each_of_its_versions():
    things = (department("示例局"), domain(TAX), measure(version=1), department("示例新局"), measure(version=2))
    book = book_of(*things)
    for version in (5, 2, 4, 0, 1, 3, 2, 9):
        assert book.as_of(version) == book_of(*things[:version])
    assert book.as_of(3).measure(REVIEW) == measure(version=1)
    assert book.as_of(5) is book


def test_a_book_keeps_a_limited_number_of_earlier_books_in_memory():
    book = book_of(*(department(f"示例{nth}局") for nth in range(1, 200)))
    for version in (*range(1, 199), *range(198, 0, -1)):
        assert book.as_of(version).department(BUREAU) == department(f"示例{version}局")


def test_what_is_derived_from_a_book_is_made_once_and_anew_for_another_version() -> None:
    book = book_of(department())
    later = book.with_change(change(2, domain(TAX)))
    assert book.derived(Policies) is book.derived(Policies)
    assert later.derived(Policies) is not book.derived(Policies)


def test_a_full_memo_is_emptied() -> None:
    memo: Memo[int, int] = Memo(2)
    assert [memo.keep(number, number * 10) for number in range(3)] == [0, 10, 20]
    assert dict(memo) == {2: 20}
