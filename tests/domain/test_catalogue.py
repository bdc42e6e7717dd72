"""What may enter the law book, and what may not: the pure rules of the catalogue."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, cast

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.catalogue.domain.book import BOOK, Confirm, Confirmation, Publish
from services.catalogue.domain.comparing import compare_lists, differences
from services.catalogue.domain.content import Placed, PlacedEnd, Retirement
from services.catalogue.files.shipped import shipped
from shared.contracts.directory import BasisId, Category, CategoryId, LegalBasis, Matter, MatterId, Region, RegionLevel
from shared.contracts.event import DepartmentId, DomainId, Event, InstrumentId, MeasureId
from shared.contracts.lawbook import (
    Basis,
    Department,
    Domain,
    Force,
    Grade,
    Instrument,
    ItemKind,
    ListedMeasure,
    ListKind,
    Measure,
    MeasureList,
    Target,
    Undoing,
)
from shared.contracts.lawbook_events import ItemRetired, LawbookChange
from shared.contracts.policy import Policy
from shared.lawbook.items import Item, identity, version_of
from tests.builders import a_department, a_domain, a_measure, an_instrument
from tests.decider import given

NOW = datetime(2026, 5, 6, 1, tzinfo=UTC)
CREDIT_OFFICE = DepartmentId("example-credit-office")
TAX = DepartmentId("example-tax")


def graded(domain_id: str = "tax", **changes: Any) -> Domain:
    grades = (Grade(code="serious", name_zh="严重", name_en="Serious"),)
    return a_domain(domain_id, **({"grades": grades} | changes))


def instrument(version: int = 1, **changes: Any) -> Instrument:
    """An instrument of Luoyang, in force since 2026."""
    ours: dict[str, Any] = {"version": version, "region": "410300", "in_force_from": date(2026, 1, 1)}
    return an_instrument(**(ours | changes))


def measure(version: int = 1, **changes: Any) -> Measure:
    """A measure of that instrument in the domain `tax`, in effect since 2026."""
    ours: dict[str, Any] = {
        "measure_id": "stricter-review",
        "version": version,
        "text_zh": "从严审核行政许可审批项目",
        "target": Target(lists=(ListKind.BLACK,), domains=(DomainId("tax"),)),
        "effective_from": date(2026, 1, 1),
    }
    return a_measure(**(ours | changes))


def policy(version: int = 1, **changes: Any) -> Policy:
    settings: dict[str, Any] = {"policy_id": "example", "region": "410300", "effective_from": date(2026, 1, 1)}
    return Policy.model_validate({"version": version, **settings, **changes})


# --- given, when, then -----------------------------------------------------------------------------------------------

EMPTY = given(BOOK, now=NOW)


def publish(*items: Item, by: str | None = CREDIT_OFFICE) -> Publish:
    placed = tuple(Placed(f"items[{nth}]", item) for nth, item in enumerate(items))
    return Publish(placed, DepartmentId(by) if by else None)


def versions(events: Iterable[Event]) -> list[int]:
    return [cast("LawbookChange", event).lawbook_version for event in events]


OFFICE = a_department(CREDIT_OFFICE, credit_office=True)
FOUNDED = EMPTY.having(publish(OFFICE, a_department()), publish(graded()), publish(instrument()))
"""The first items enter while the book has no credit office."""


def test_the_law_book_version_of_each_change_is_the_version_of_the_stream_after_it() -> None:
    first = EMPTY.when(publish(OFFICE, a_department()))
    assert versions(first.events) == [1, 2]
    assert versions(first.next.when(publish(graded())).events) == [3]


def test_an_item_that_the_book_holds_gives_no_event() -> None:
    book = FOUNDED.having(publish(measure(), policy()))
    book.when(publish(measure(), policy(), a_department(), graded(), instrument())).then_nothing()


def test_loading_the_shipped_law_book_twice_changes_nothing() -> None:
    parts = shipped()
    office = next(d.department_id for d in parts.departments if d.credit_office)
    command = Publish.content(parts.content(), office)
    loaded = EMPTY.when(command).then(*parts.changes())
    loaded.when(command).then_nothing()


def test_a_changed_measure_counts_its_version_up_by_one() -> None:
    book = FOUNDED.having(publish(measure()))
    changed = measure(2, text_zh="从严审核行政许可审批项目，从严控制生产许可证发放")
    assert versions(book.when(publish(changed)).events) == [book.state.version + 1]
    book.when(publish(measure(3))).then_rejected(("version_not_next", "items[0].version"))


def test_the_first_version_is_1() -> None:
    FOUNDED.when(publish(policy(2))).then_rejected(("version_not_next", "items[0].version"))


def test_a_published_version_stays_what_it_was() -> None:
    FOUNDED.when(publish(instrument(title_zh="示例备忘录（改）"))).then_rejected(
        ("version_not_next", "items[0].version")
    )


def test_two_versions_may_come_in_one_list() -> None:
    assert len(FOUNDED.when(publish(measure(1), measure(2, text_en="Stricter review"))).events) == 2


def test_an_older_version_that_was_superseded_is_still_held() -> None:
    book = FOUNDED.having(publish(measure(1), measure(2, text_en="Stricter review")))
    book.when(publish(measure(1))).then_nothing()


def test_an_item_may_stand_in_a_list_only_once() -> None:
    twice = a_department("example-water"), a_department("example-water", name_en="Other")
    FOUNDED.when(publish(*twice)).then_rejected(("item_twice", "items[1]"))
    FOUNDED.when(publish(a_department(name_en="Other"), a_department())).then_rejected(("item_twice", "items[1]"))


def test_every_fault_is_reported_by_item_and_field_and_nothing_is_published() -> None:
    wrong = measure(
        implementers=("nobody", TAX),
        target=Target(lists=(ListKind.BLACK,), domains=(DomainId("nowhere"),)),
        instrument_id="no-instrument",
    )
    FOUNDED.when(publish(measure(), wrong.model_copy(update={"measure_id": MeasureId("other")}))).then_rejected(
        ("unknown_department", "items[1].implementers[0]"),
        ("unknown_domain", "items[1].target.domains[0]"),
        ("unknown_instrument", "items[1].instrument_id"),
    )


@pytest.mark.parametrize(
    ("item", "faults"),
    [
        (graded("d", may_list=("nobody",)), [("unknown_department", "items[0].may_list[0]")]),
        (graded("d", may_publish=(TAX, "x")), [("unknown_department", "items[0].may_publish[1]")]),
        (graded("d", lists=()), [("field_missing", "items[0].lists")]),
        (policy(domains=("nowhere",)), [("unknown_domain", "items[0].domains[0]")]),
        (policy(effective_to=date(2025, 12, 31)), [("end_before_start", "items[0].effective_to")]),
        (
            policy(substance={"longest_term_months": {"value": 0, "example": True}}),
            [("number_too_small", "items[0].substance.longest_term_months.value")],
        ),
        (
            policy(procedure={"plea_working_days": {"value": 5, "document": "示例〔2026〕1号"}}),
            [("setting_without_clause", "items[0].procedure.plea_working_days.clause")],
        ),
        (instrument(2, in_force_to=date(2025, 1, 1)), [("end_before_start", "items[0].in_force_to")]),
        (instrument(2, region="洛阳"), [("jurisdiction_not_a_region", "items[0].region")]),
        (measure(effective_to=date(2025, 1, 1)), [("end_before_start", "items[0].effective_to")]),
        (measure(text_zh="  "), [("field_missing", "items[0].text_zh")]),
        (measure(text_zh="长" * 2001), [("text_too_long", "items[0].text_zh")]),
        (measure(measure_id="a/b"), [("id_unusable", "items[0].measure_id")]),
        (measure(basis=()), [("missing_basis", "items[0].basis")]),
        (measure(undo_within_days=0), [("number_too_small", "items[0].undo_within_days")]),
        (
            measure(target=Target(lists=(ListKind.BLACK,), grades=("slight",))),
            [("unknown_grade", "items[0].target.grades[0]")],
        ),
        (a_department("d", region="4103"), [("jurisdiction_not_a_region", "items[0].region")]),
    ],
)
def test_an_item_with_a_fault_is_refused(item: Item, faults: list[tuple[str, str]]) -> None:
    FOUNDED.when(publish(item)).then_rejected(*faults)


def test_a_basis_ends_not_before_it_begins() -> None:
    basis = Basis(document="示例办法", article="第三条", valid_from=date(2026, 1, 2), valid_to=date(2026, 1, 1))
    FOUNDED.when(publish(measure(basis=(basis,)))).then_rejected(("end_before_start", "items[0].basis[0].valid_to"))


@pytest.mark.parametrize("unexplained", [measure(on_end=Undoing.NOTHING), measure(on_error=Undoing.NOTHING)])
def test_a_measure_that_needs_no_undoing_gives_the_reason(unexplained: Measure) -> None:
    FOUNDED.when(publish(unexplained)).then_rejected(("undoing_unexplained", "items[0].nothing_to_undo_because"))
    explained = unexplained.model_copy(update={"nothing_to_undo_because": "一次性提示，无后续效力"})
    assert FOUNDED.when(publish(explained)).events


def test_a_measure_without_implementers_is_entered_only_unpublished() -> None:
    FOUNDED.when(publish(measure(implementers=()))).then_rejected(
        ("published_without_implementers", "items[0].implementers")
    )
    assert FOUNDED.when(publish(measure(implementers=(), published=False))).events


def test_before_there_is_a_credit_office_anyone_with_the_role_begins_the_book() -> None:
    assert EMPTY.when(publish(a_department(), by="another")).events
    assert EMPTY.when(publish(a_department(), by=None)).events


@pytest.mark.parametrize("by", [TAX, "unknown", None])
def test_once_there_is_a_credit_office_only_a_credit_office_writes(by: str | None) -> None:
    FOUNDED.when(publish(policy(), by=by)).then_rejected(("not_a_credit_office", None))


def test_the_last_credit_office_cannot_be_taken_away() -> None:
    FOUNDED.when(publish(a_department(CREDIT_OFFICE))).then_rejected(("last_credit_office", "items[0]"))
    other = a_department("example-other-office", credit_office=True)
    assert len(FOUNDED.when(publish(other, a_department(CREDIT_OFFICE))).events) == 2


def _departments() -> st.SearchStrategy[Department]:
    return st.builds(
        a_department,
        st.sampled_from(["a", "b", "c", "d"]),
        name_en=st.sampled_from(["North", "South"]),
        credit_office=st.booleans(),
    )


@examples(st.lists(st.lists(_departments(), min_size=1, max_size=4), max_size=12))
def test_after_any_publications_the_book_has_no_gap_and_holds_the_latest_versions(
    lists: list[list[Department]],
) -> None:
    book, last = EMPTY.having(publish(OFFICE)), {identity(OFFICE): OFFICE}
    for items in lists:
        outcome = book.when(publish(*items))
        if outcome.rejected:
            continue
        before, events = book.state.version, outcome.events
        assert versions(events) == list(range(before + 1, before + 1 + len(events)))
        book = outcome.next
        last.update({identity(item): item for item in items})
        book.when(publish(*items)).then_nothing()
    assert {str(key): value for key, value in book.state.departments.items()} == last
    assert all(version_of(item) is None for item in last.values())


# --- regions, kinds of bodies, bases, matters


def region(code: str, parent: str | None, level: RegionLevel) -> Region:
    return Region(code=code, name_zh="示例", parent=parent, level=level)


STATE = region("000000", None, RegionLevel.STATE)
PROVINCE = region("410000", "000000", RegionLevel.PROVINCE)
SECTOR = Category(category_id=CategoryId("sector"), name_zh="各行业主管部门", name_en="Authorities of each industry")


def legal_basis(version: int = 1, **changes: Any) -> LegalBasis:
    settings: dict[str, Any] = {
        "basis_id": BasisId("example-law-3"),
        "document": "示例法",
        "article": "第三条",
        "issued_by": "示例",
        "valid_from": date(2016, 1, 1),
    }
    return LegalBasis(version=version, **{**settings, **changes})


def test_many_regions_enter_the_book_with_one_change() -> None:
    published = FOUNDED.when(publish(STATE, PROVINCE))
    assert len(published.events) == 1
    assert published.state.lineage("410000") == ("410000", "000000")


def test_regions_that_belong_to_one_another_are_refused() -> None:
    circle = [region("410100", "410122", RegionLevel.CITY), region("410122", "410100", RegionLevel.COUNTY)]
    FOUNDED.when(publish(STATE, *circle)).then_rejected(
        ("region_in_circle", "items[1].parent"), ("region_in_circle", "items[2].parent")
    )
    itself = region("410100", "410100", RegionLevel.CITY)
    FOUNDED.when(publish(STATE, itself)).then_rejected(("region_in_circle", "items[1].parent"))


def test_the_parent_of_a_region_exists_and_is_higher() -> None:
    FOUNDED.when(publish(STATE, region("410100", "990000", RegionLevel.CITY))).then_rejected(
        ("unknown_region", "items[1].parent")
    )
    FOUNDED.when(publish(STATE, region("410100", None, RegionLevel.CITY))).then_rejected(
        ("field_missing", "items[1].parent")
    )
    below = [PROVINCE, region("420000", "410000", RegionLevel.PROVINCE)]
    FOUNDED.when(publish(STATE, *below)).then_rejected(("region_not_below", "items[2].parent"))
    FOUNDED.when(publish(STATE, region("41", "000000", RegionLevel.CITY))).then_rejected(
        ("jurisdiction_not_a_region", "items[1].code")
    )


@examples(st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 5)), min_size=1, max_size=8))
def test_in_any_accepted_tree_of_regions_every_path_ends_at_the_state(pairs: list[tuple[int, int]]) -> None:
    levels = (RegionLevel.PROVINCE, RegionLevel.CITY, RegionLevel.COUNTY)
    codes = [f"41{n}000" for n in range(6)]
    tree = [
        region(codes[n], STATE.code if parent < 0 else codes[parent], levels[n % len(levels)]) for n, parent in pairs
    ]
    published = FOUNDED.when(publish(STATE, *tree))
    if published.rejected:
        return
    for region_in_tree in tree:
        ancestors = published.state.lineage(region_in_tree.code)
        assert ancestors[-1] == STATE.code
        assert len(ancestors) == len(set(ancestors))


def test_a_department_names_categories_that_exist() -> None:
    unknown = a_department("d", categories=("sector",))
    FOUNDED.when(publish(unknown)).then_rejected(("unknown_category", "items[0].categories[0]"))
    assert FOUNDED.when(publish(SECTOR, unknown)).events


def test_a_body_with_one_officer_names_departments_that_exist_to_confirm_its_decisions() -> None:
    named = a_department("d", confirmed_by=("nobody",))
    FOUNDED.when(publish(named)).then_rejected(("unknown_department", "items[0].confirmed_by[0]"))
    assert FOUNDED.when(publish(a_department("d", confirmed_by=(TAX,)))).events


def test_a_department_that_confirms_for_another_one_is_not_retired() -> None:
    spare = a_department("spare", name_zh="示例二")
    book = FOUNDED.having(publish(spare, a_department("alone", confirmed_by=("spare",))))
    book.when(retire(end(ItemKind.DEPARTMENTS, "spare"))).then_rejected(("still_named", "retirements[0].item_id"))


def test_a_published_measure_needs_a_body_of_its_kind_in_its_region() -> None:
    by_kind = measure(implementers=(), implementer_categories=("sector",))
    elsewhere = a_department("elsewhere", categories=("sector",), region="320681")
    FOUNDED.when(publish(SECTOR, elsewhere, by_kind)).then_rejected(
        ("published_without_implementers", "items[2].implementers")
    )
    assert FOUNDED.when(publish(SECTOR, a_department("here", categories=("sector",)), by_kind)).events


def test_items_of_one_list_may_refer_to_one_another_in_any_order() -> None:
    assert len(FOUNDED.when(publish(measure(basis=(), basis_ids=("example-law-3",)), legal_basis())).events) == 2


def test_a_measure_names_bases_and_matters_that_exist() -> None:
    matter = Matter(matter_id=MatterId("licence"), name_zh="行政许可审批", name_en="Licences", checked_by=(TAX,))
    book = FOUNDED.having(publish(matter))
    book.when(publish(measure(basis_ids=("nowhere",), matters=("licence", "other")))).then_rejected(
        ("unknown_matter", "items[0].matters[1]"), ("unknown_basis", "items[0].basis_ids[0]")
    )
    unknown = matter.model_copy(update={"checked_by": (DepartmentId("nobody"),)})
    book.when(publish(unknown)).then_rejected(("unknown_department", "items[0].checked_by[0]"))


def test_as_long_as_there_is_no_directory_of_matters_any_code_may_be_used() -> None:
    assert FOUNDED.when(publish(measure(matters=("anything",)))).events


def test_a_legal_basis_ends_not_before_it_begins() -> None:
    FOUNDED.when(publish(legal_basis(valid_to=date(2015, 1, 1)))).then_rejected(
        ("end_before_start", "items[0].valid_to")
    )


# --- versions


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        (measure(), measure(2, effective_from=date(2025, 1, 1)), "effective_from"),
        (
            measure(effective_to=date(2026, 12, 31)),
            measure(2, effective_from=date(2026, 6, 1)),
            "effective_from",
        ),
        (
            instrument(2, in_force_to=date(2026, 12, 31)),
            instrument(3, in_force_from=date(2026, 12, 31)),
            "in_force_from",
        ),
        (legal_basis(), legal_basis(2, valid_from=date(2015, 1, 1)), "valid_from"),
    ],
)
def test_versions_whose_times_overlap_are_refused(first: Item, second: Item, field: str) -> None:
    FOUNDED.when(publish(first, second)).then_rejected(("versions_overlap", f"items[1].{field}"))


def test_a_version_may_correct_its_predecessor_from_its_first_day_on() -> None:
    assert FOUNDED.when(publish(measure(), measure(2, text_en="Stricter review"))).events


# --- memoranda that follow one of a level above


def of_state(**changes: Any) -> Instrument:
    return instrument(instrument_id=InstrumentId("of-the-state"), region="000000", **changes)


def following(*ids: str, **changes: Any) -> Instrument:
    return instrument(instrument_id=InstrumentId("ours"), follows=ids, **changes)


def test_a_memorandum_follows_one_of_its_own_region_or_of_one_above() -> None:
    assert FOUNDED.when(publish(of_state(), following("of-the-state"))).events
    county = instrument(instrument_id=InstrumentId("of-a-county"), region="410302")
    FOUNDED.when(publish(county, following("of-a-county"))).then_rejected(("follows_not_above", "items[1].follows[0]"))
    FOUNDED.when(publish(following("unknown"))).then_rejected(("unknown_instrument", "items[0].follows[0]"))


def test_memoranda_that_follow_one_another_are_refused() -> None:
    FOUNDED.when(publish(of_state(follows=("ours",)), following("of-the-state", region="000000"))).then_rejected(
        ("follows_in_circle", "items[0].follows[0]"), ("follows_in_circle", "items[1].follows[0]")
    )


def test_a_measure_of_a_followed_memorandum_is_not_repeated() -> None:
    above = measure(measure_id=MeasureId("above"), instrument_id="of-the-state")
    copied = measure(instrument_id="ours")
    FOUNDED.when(publish(of_state(), following("of-the-state"), above, copied)).then_rejected(
        ("measure_copied", "items[3].text_zh")
    )


# --- editions of the list of measures


def measure_list(version: int = 1, mandatory: tuple[str, ...] = (), recommended: tuple[str, ...] = ()) -> MeasureList:
    def listed(names: tuple[str, ...]) -> tuple[ListedMeasure, ...]:
        return tuple(ListedMeasure(measure_id=MeasureId(name), version=1) for name in names)

    return MeasureList(
        list_id="example",
        version=version,
        title_zh="示例措施清单",
        issued_by="示例",
        region="410300",
        effective_from=date(2026, version, 1),
        mandatory=listed(mandatory),
        recommended=listed(recommended),
    )


def test_a_list_names_measures_once_in_the_class_that_they_have() -> None:
    may = measure(measure_id=MeasureId("may"), force=Force.RECOMMENDED)
    good = measure_list(mandatory=("stricter-review",), recommended=("may",))
    assert FOUNDED.when(publish(measure(), may, good)).events
    wrong = measure_list(mandatory=("may", "unknown"), recommended=("may",))
    FOUNDED.when(publish(may, wrong)).then_rejected(
        ("listed_in_wrong_class", "items[1].mandatory[0]"),
        ("unknown_measure", "items[1].mandatory[1]"),
        ("item_twice", "items[1].recommended[0]"),
    )


def test_two_editions_are_compared_measure_by_measure() -> None:
    compared = compare_lists(
        measure_list(mandatory=("a", "b")), measure_list(2, mandatory=("b", "c"), recommended=("d",))
    )
    assert (compared.added, compared.removed, compared.reclassified) == (["c", "d"], ["a"], [])
    moved = compare_lists(measure_list(mandatory=("a",)), measure_list(2, recommended=("a",)))
    assert [(one.measure_id, one.was, one.now) for one in moved.reclassified] == [("a", "mandatory", "recommended")]


def test_two_versions_are_compared_field_by_field() -> None:
    basis = Basis(document="示例法", article="第三条", valid_from=date(2016, 5, 30))
    now = measure(2, text_en="Stricter", basis=(*measure().basis, basis), implementers=(TAX, CREDIT_OFFICE))
    changed = {one.field: (one.was, one.now) for one in differences(measure(), now)}
    assert changed["text_en"] == ("", "Stricter")
    assert changed["implementers"] == ([TAX], [TAX, CREDIT_OFFICE])
    assert changed["basis[1]"] == (None, basis.model_dump(mode="json"))
    assert set(changed) == {"text_en", "implementers", "basis[1]"}


# --- retirement


def end(kind: ItemKind, item_id: str, last_day: date = date(2026, 4, 30), reason: str = "示例") -> PlacedEnd:
    return PlacedEnd("retirements[0]", Retirement(kind=kind, item_id=item_id, last_day=last_day, reason=reason))


def retire(*ends: PlacedEnd) -> Publish:
    return Publish((), CREDIT_OFFICE, ends)


IN_USE = FOUNDED.having(publish(measure(), legal_basis()))


def test_an_item_is_retired_and_its_next_version_begins_after_its_last_day() -> None:
    retired = IN_USE.when(retire(end(ItemKind.MEASURES, "stricter-review")))
    [event] = retired.events
    assert isinstance(event, ItemRetired)
    assert event.lawbook_version == IN_USE.state.version + 1
    book = retired.next
    book.when(publish(measure(2))).then_rejected(("versions_overlap", "items[0].effective_from"))
    assert book.when(publish(measure(2, effective_from=date(2026, 5, 1)))).events
    book.when(retire(end(ItemKind.MEASURES, "stricter-review"))).then_nothing()
    book.when(retire(end(ItemKind.MEASURES, "stricter-review", date(2026, 3, 31)))).then_rejected(
        ("retired_already", "retirements[0].item_id")
    )


@pytest.mark.parametrize(
    ("ended", "fault"),
    [
        (end(ItemKind.MEASURES, "unknown"), ("unknown_item", "retirements[0].item_id")),
        (end(ItemKind.MEASURES, "stricter-review", reason=" "), ("field_missing", "retirements[0].reason")),
        (end(ItemKind.MEASURES, "stricter-review", date(2025, 1, 1)), ("end_before_start", "retirements[0].last_day")),
        (end(ItemKind.DOMAINS, "tax", date(2026, 5, 7)), ("day_not_come", "retirements[0].last_day")),
        (end(ItemKind.DEPARTMENTS, TAX), ("still_named", "retirements[0].item_id")),
        (end(ItemKind.DEPARTMENTS, CREDIT_OFFICE), ("last_credit_office", "retirements[0]")),
    ],
)
def test_a_retirement_with_a_fault_is_refused(ended: PlacedEnd, fault: tuple[str, str]) -> None:
    IN_USE.when(retire(ended)).then_rejected(fault)


def test_a_category_cannot_be_retired() -> None:
    book = FOUNDED.having(publish(SECTOR))
    book.when(retire(end(ItemKind.CATEGORIES, "sector"))).then_rejected(("not_retirable", "retirements[0].kind"))


def test_a_department_that_nothing_depends_on_is_retired() -> None:
    book = IN_USE.having(publish(a_department("spare")))
    assert book.when(retire(end(ItemKind.DEPARTMENTS, "spare"))).events


# --- example settings


def confirm(*settings: str, **named: Any) -> Confirm:
    item_id, version = named.get("item_id", "stricter-review"), named.get("version")
    confirmation = Confirmation(ItemKind.MEASURES, item_id, settings, version)
    return Confirm((confirmation,), named.get("note", "示例〔2026〕2号"), named.get("by", CREDIT_OFFICE))


UNCONFIRMED = FOUNDED.having(publish(measure(example_settings=("force", "works"))))


def test_a_confirmed_setting_is_no_example_any_more_and_loading_the_item_again_changes_nothing() -> None:
    book = UNCONFIRMED.having(confirm("force"))
    found = book.state.measure(MeasureId("stricter-review"))
    assert found is not None
    assert found.example_settings == ("works",)
    book.when(publish(measure(example_settings=("force", "works")))).then_nothing()


@pytest.mark.parametrize(
    ("settings", "named", "fault"),
    [
        (("duty",), {}, ("setting_not_open", "confirmations[0].settings[0]")),
        (("force", "force"), {}, ("setting_not_open", "confirmations[0].settings[1]")),
        (("force",), {"item_id": "other"}, ("unknown_item", "confirmations[0].item_id")),
        (("force",), {"version": 2}, ("unknown_item", "confirmations[0].item_id")),
        (("force",), {"note": " "}, ("field_missing", "note")),
        (("force",), {"by": TAX}, ("not_a_credit_office", None)),
    ],
)
def test_a_confirmation_with_a_fault_is_refused(
    settings: tuple[str, ...], named: dict[str, Any], fault: tuple[str, str | None]
) -> None:
    UNCONFIRMED.when(confirm(*settings, **named)).then_rejected(fault)
