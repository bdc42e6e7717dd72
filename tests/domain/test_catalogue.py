"""What may enter the law book, and what may not: the pure rules of the catalogue."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, cast

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.catalogue.domain.book import INITIAL, Confirm, Confirmation, Publish, decide, evolve
from services.catalogue.domain.comparing import compare_lists, differences
from services.catalogue.domain.content import Placed, PlacedEnd, Retirement
from services.catalogue.shipped import shipped
from shared.contracts.directory import (
    BasisId,
    Category,
    CategoryId,
    LegalBasis,
    Matter,
    MatterId,
    Region,
    RegionLevel,
)
from shared.contracts.event import DepartmentId, DomainId, InstrumentId, MeasureId
from shared.contracts.lawbook import (
    Basis,
    Constraint,
    Department,
    Domain,
    Duty,
    Force,
    Grade,
    Instrument,
    ItemKind,
    ListedMeasure,
    ListKind,
    Measure,
    MeasureKind,
    MeasureList,
    Target,
    Undoing,
    Works,
)
from shared.contracts.lawbook_events import ItemRetired, LawbookChange
from shared.contracts.policy import Policy
from shared.lawbook.book import LawBook
from shared.lawbook.items import Item, identity, version_of
from shared.rejection import Rejected

NOW = datetime(2026, 5, 6, 1, tzinfo=UTC)
CREDIT_OFFICE = DepartmentId("example-credit-office")
TAX = DepartmentId("example-tax")


def department(department_id: str = TAX, **changes: Any) -> Department:
    settings: dict[str, Any] = {"name_zh": "示例市税务局", "name_en": "Example Tax Bureau", "region": "410300"}
    return Department(department_id=DepartmentId(department_id), **{**settings, **changes})


def domain(**changes: Any) -> Domain:
    settings: dict[str, Any] = {
        "domain_id": "tax",
        "name_zh": "税务",
        "name_en": "Tax",
        "lists": (ListKind.RED, ListKind.BLACK),
        "grades": (Grade(code="serious", name_zh="严重", name_en="Serious"),),
        "may_list": (TAX,),
    }
    return Domain(**{**settings, **changes})


def instrument(version: int = 1, **changes: Any) -> Instrument:
    settings: dict[str, Any] = {
        "instrument_id": InstrumentId("example-memorandum"),
        "kind": "memorandum",
        "title_zh": "示例合作备忘录",
        "document_number": "示例〔2026〕1号",
        "issued_by": "示例市信用办",
        "region": "410300",
        "in_force_from": date(2026, 1, 1),
    }
    return Instrument(version=version, **{**settings, **changes})


def measure(version: int = 1, **changes: Any) -> Measure:
    settings: dict[str, Any] = {
        "measure_id": MeasureId("stricter-review"),
        "text_zh": "从严审核行政许可审批项目",
        "clause": "国发〔2016〕33号 (十)",
        "kind": MeasureKind.DISCIPLINE,
        "constraint": Constraint.ADMINISTRATIVE,
        "force": Force.MANDATORY,
        "duty": Duty.OWED,
        "works": Works.OCCASION,
        "target": Target(lists=(ListKind.BLACK,), domains=(DomainId("tax"),)),
        "implementers": (TAX,),
        "basis": (Basis(document="国发〔2016〕33号", article="(十)", valid_from=date(2016, 5, 30)),),
        "instrument_id": InstrumentId("example-memorandum"),
        "on_end": Undoing.STOP,
        "on_error": Undoing.RESTORE,
        "published": True,
        "effective_from": date(2026, 1, 1),
    }
    return Measure(version=version, **{**settings, **changes})


def policy(version: int = 1, **changes: Any) -> Policy:
    settings: dict[str, Any] = {"policy_id": "example", "region": "410300", "effective_from": date(2026, 1, 1)}
    return Policy.model_validate({"version": version, **settings, **changes})


def given(*lists: Sequence[Item] | Item) -> LawBook:
    """The book after these lists were published one after another, the first while there is no credit office."""
    book = INITIAL
    for items in lists:
        book = then_book(book, when(book, *(items if isinstance(items, Sequence) else (items,))))
    return book


def when(book: LawBook, *items: Item, by: str | None = CREDIT_OFFICE) -> Sequence[LawbookChange]:
    placed = tuple(Placed(f"items[{nth}]", item) for nth, item in enumerate(items))
    command = Publish(placed, DepartmentId(by) if by else None)
    return [cast("LawbookChange", event) for event in decide(book, command, NOW)]


def then_book(book: LawBook, events: Sequence[LawbookChange]) -> LawBook:
    for event in events:
        book = evolve(book, event)
    return book


def refused(book: LawBook, *items: Item, by: str | None = CREDIT_OFFICE) -> list[tuple[str, str | None]]:
    with pytest.raises(Rejected) as refusal:
        when(book, *items, by=by)
    return [(fault.code, fault.field) for fault in refusal.value.faults]


OFFICE = department(CREDIT_OFFICE, credit_office=True)
FOUNDED = given([OFFICE, department()], domain(), instrument())


def test_the_law_book_version_of_each_change_is_the_version_of_the_stream_after_it() -> None:
    events = when(INITIAL, OFFICE, department())
    assert [event.lawbook_version for event in events] == [1, 2]
    events = when(then_book(INITIAL, events), domain())
    assert [event.lawbook_version for event in events] == [3]


def test_an_item_that_the_book_holds_gives_no_event() -> None:
    book = then_book(FOUNDED, when(FOUNDED, measure(), policy()))
    assert when(book, measure(), policy(), department(), domain(), instrument()) == []


def test_loading_the_shipped_law_book_twice_changes_nothing() -> None:
    parts = shipped()
    office = next(d.department_id for d in parts.departments if d.credit_office)
    command = Publish.content(parts.content(), office)
    events = [cast("LawbookChange", event) for event in decide(INITIAL, command, NOW)]
    assert tuple(events) == parts.changes()
    assert decide(then_book(INITIAL, events), command, NOW) == []


def test_a_changed_measure_counts_its_version_up_by_one() -> None:
    book = then_book(FOUNDED, when(FOUNDED, measure()))
    changed = measure(2, text_zh="从严审核行政许可审批项目，从严控制生产许可证发放")
    assert [event.lawbook_version for event in when(book, changed)] == [book.version + 1]
    assert refused(book, measure(3)) == [("version_not_next", "items[0].version")]


def test_the_first_version_is_1() -> None:
    assert refused(FOUNDED, policy(2)) == [("version_not_next", "items[0].version")]


def test_a_published_version_stays_what_it_was() -> None:
    assert refused(FOUNDED, instrument(title_zh="示例备忘录（改）")) == [("version_not_next", "items[0].version")]


def test_two_versions_may_come_in_one_list() -> None:
    assert len(when(FOUNDED, measure(1), measure(2, text_en="Stricter review"))) == 2


def test_an_older_version_that_was_superseded_is_still_held() -> None:
    book = then_book(FOUNDED, when(FOUNDED, measure(1), measure(2, text_en="Stricter review")))
    assert when(book, measure(1)) == []


def test_an_item_may_stand_in_a_list_only_once() -> None:
    twice = department("example-water"), department("example-water", name_en="Other")
    assert refused(FOUNDED, *twice) == [("item_twice", "items[1]")]
    assert refused(FOUNDED, department(name_en="Other"), department()) == [("item_twice", "items[1]")]


def test_every_fault_is_told_by_item_and_field_and_nothing_is_published() -> None:
    wrong = measure(
        implementers=("nobody", TAX),
        target=Target(lists=(ListKind.BLACK,), domains=(DomainId("nowhere"),)),
        instrument_id="no-instrument",
    )
    assert refused(FOUNDED, measure(), wrong.model_copy(update={"measure_id": MeasureId("other")})) == [
        ("unknown_department", "items[1].implementers[0]"),
        ("unknown_domain", "items[1].target.domains[0]"),
        ("unknown_instrument", "items[1].instrument_id"),
    ]


@pytest.mark.parametrize(
    ("item", "faults"),
    [
        (domain(domain_id="d", may_list=("nobody",)), [("unknown_department", "items[0].may_list[0]")]),
        (domain(domain_id="d", may_publish=(TAX, "x")), [("unknown_department", "items[0].may_publish[1]")]),
        (domain(domain_id="d", lists=()), [("field_missing", "items[0].lists")]),
        (policy(domains=("nowhere",)), [("unknown_domain", "items[0].domains[0]")]),
        (policy(effective_to=date(2025, 12, 31)), [("end_before_start", "items[0].effective_to")]),
        (
            policy(substance={"longest_term_months": {"value": 0, "example": True}}),
            [("setting_too_small", "items[0].substance.longest_term_months.value")],
        ),
        (
            policy(procedure={"plea_working_days": {"value": 5, "document": "示例〔2026〕1号"}}),
            [("setting_without_clause", "items[0].procedure.plea_working_days.clause")],
        ),
        (instrument(2, in_force_to=date(2025, 1, 1)), [("end_before_start", "items[0].in_force_to")]),
        (instrument(2, region="洛阳"), [("region_malformed", "items[0].region")]),
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
        (department("d", region="4103"), [("region_malformed", "items[0].region")]),
    ],
)
def test_it_refuses(item: Item, faults: list[tuple[str, str]]) -> None:
    assert refused(FOUNDED, item) == faults


def test_a_basis_ends_not_before_it_begins() -> None:
    basis = Basis(document="示例办法", article="第三条", valid_from=date(2026, 1, 2), valid_to=date(2026, 1, 1))
    assert refused(FOUNDED, measure(basis=(basis,))) == [("end_before_start", "items[0].basis[0].valid_to")]


@pytest.mark.parametrize("unexplained", [measure(on_end=Undoing.NOTHING), measure(on_error=Undoing.NOTHING)])
def test_what_needs_no_undoing_says_why(unexplained: Measure) -> None:
    assert refused(FOUNDED, unexplained) == [("undoing_unexplained", "items[0].nothing_to_undo_because")]
    explained = unexplained.model_copy(update={"nothing_to_undo_because": "一次性提示，无后续效力"})
    assert when(FOUNDED, explained)


def test_a_measure_without_implementers_is_entered_only_unpublished() -> None:
    assert refused(FOUNDED, measure(implementers=())) == [("published_without_implementers", "items[0].implementers")]
    assert when(FOUNDED, measure(implementers=(), published=False))


def test_before_there_is_a_credit_office_anyone_with_the_role_begins_the_book() -> None:
    assert when(INITIAL, department(), by="somebody-else")
    assert when(INITIAL, department(), by=None)


@pytest.mark.parametrize("by", [TAX, "unheard-of", None])
def test_once_there_is_a_credit_office_only_a_credit_office_writes(by: str | None) -> None:
    assert refused(FOUNDED, policy(), by=by) == [("not_a_credit_office", None)]


def test_the_last_credit_office_cannot_be_taken_away() -> None:
    assert refused(FOUNDED, department(CREDIT_OFFICE)) == [("last_credit_office", "items[0]")]
    other = department("example-other-office", credit_office=True)
    assert len(when(FOUNDED, other, department(CREDIT_OFFICE))) == 2


def _departments() -> st.SearchStrategy[Department]:
    return st.builds(
        department,
        st.sampled_from(["a", "b", "c", "d"]),
        name_en=st.sampled_from(["North", "South"]),
        credit_office=st.booleans(),
    )


@examples(st.lists(st.lists(_departments(), min_size=1, max_size=4), max_size=12))
def test_whatever_is_published_the_book_has_no_gap_and_holds_the_last_of_everything(
    lists: list[list[Department]],
) -> None:
    book, last = given(OFFICE), {identity(OFFICE): OFFICE}
    for items in lists:
        try:
            events = when(book, *items)
        except Rejected:
            continue
        assert [e.lawbook_version for e in events] == list(range(book.version + 1, book.version + 1 + len(events)))
        book = then_book(book, events)
        last.update({identity(item): item for item in items})
        assert when(book, *items) == []
    assert {str(key): value for key, value in book.departments.items()} == last
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
    events = when(FOUNDED, STATE, PROVINCE)
    assert len(events) == 1
    assert then_book(FOUNDED, events).lineage("410000") == ("410000", "000000")


def test_regions_that_belong_to_one_another_are_refused() -> None:
    circle = [region("410100", "410122", RegionLevel.CITY), region("410122", "410100", RegionLevel.COUNTY)]
    assert refused(FOUNDED, STATE, *circle) == [
        ("region_in_circle", "items[1].parent"),
        ("region_in_circle", "items[2].parent"),
    ]
    itself = region("410100", "410100", RegionLevel.CITY)
    assert refused(FOUNDED, STATE, itself) == [("region_in_circle", "items[1].parent")]


def test_a_region_belongs_to_a_higher_one_that_there_is() -> None:
    assert refused(FOUNDED, STATE, region("410100", "990000", RegionLevel.CITY)) == [
        ("unknown_region", "items[1].parent")
    ]
    assert refused(FOUNDED, STATE, region("410100", None, RegionLevel.CITY)) == [("field_missing", "items[1].parent")]
    below = [PROVINCE, region("420000", "410000", RegionLevel.PROVINCE)]
    assert refused(FOUNDED, STATE, *below) == [("region_not_below", "items[2].parent")]
    assert refused(FOUNDED, STATE, region("41", "000000", RegionLevel.CITY)) == [("region_malformed", "items[1].code")]


@examples(st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 5)), min_size=1, max_size=8))
def test_whatever_tree_of_regions_is_accepted_every_line_ends_at_the_state(pairs: list[tuple[int, int]]) -> None:
    levels = (RegionLevel.PROVINCE, RegionLevel.CITY, RegionLevel.COUNTY)
    codes = [f"41{n}000" for n in range(6)]
    tree = [
        region(codes[n], STATE.code if parent < 0 else codes[parent], levels[n % len(levels)]) for n, parent in pairs
    ]
    try:
        book = then_book(FOUNDED, when(FOUNDED, STATE, *tree))
    except Rejected:
        return
    for one in tree:
        above = book.lineage(one.code)
        assert above[-1] == STATE.code
        assert len(above) == len(set(above))


def test_a_department_is_of_kinds_that_there_are() -> None:
    unheard = department("d", categories=("sector",))
    assert refused(FOUNDED, unheard) == [("unknown_category", "items[0].categories[0]")]
    assert when(FOUNDED, SECTOR, unheard)


def test_a_published_measure_needs_somebody_of_the_kind_that_it_names_where_it_holds() -> None:
    by_kind = measure(implementers=(), implementer_categories=("sector",))
    elsewhere = department("elsewhere", categories=("sector",), region="320681")
    assert refused(FOUNDED, SECTOR, elsewhere, by_kind) == [
        ("published_without_implementers", "items[2].implementers"),
    ]
    assert when(FOUNDED, SECTOR, department("here", categories=("sector",)), by_kind)


def test_items_of_one_list_may_refer_to_one_another_in_any_order() -> None:
    assert len(when(FOUNDED, measure(basis=(), basis_ids=("example-law-3",)), legal_basis())) == 2


def test_a_measure_names_bases_and_matters_that_there_are() -> None:
    matter = Matter(matter_id=MatterId("licence"), name_zh="行政许可审批", name_en="Licences", checked_by=(TAX,))
    book = then_book(FOUNDED, when(FOUNDED, matter))
    assert refused(book, measure(basis_ids=("nowhere",), matters=("licence", "other"))) == [
        ("unknown_matter", "items[0].matters[1]"),
        ("unknown_basis", "items[0].basis_ids[0]"),
    ]
    unheard = matter.model_copy(update={"checked_by": (DepartmentId("nobody"),)})
    assert refused(book, unheard) == [("unknown_department", "items[0].checked_by[0]")]


def test_as_long_as_there_is_no_directory_of_matters_any_code_may_be_used() -> None:
    assert when(FOUNDED, measure(matters=("anything",)))


def test_a_legal_basis_ends_not_before_it_begins() -> None:
    assert refused(FOUNDED, legal_basis(valid_to=date(2015, 1, 1))) == [("end_before_start", "items[0].valid_to")]


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
    assert refused(FOUNDED, first, second) == [("versions_overlap", f"items[1].{field}")]


def test_a_version_may_correct_its_predecessor_from_its_first_day_on() -> None:
    assert when(FOUNDED, measure(), measure(2, text_en="Stricter review"))


# --- memoranda that follow one of a level above


def of_state(**changes: Any) -> Instrument:
    return instrument(instrument_id=InstrumentId("of-the-state"), region="000000", **changes)


def following(*ids: str, **changes: Any) -> Instrument:
    return instrument(instrument_id=InstrumentId("ours"), follows=ids, **changes)


def test_a_memorandum_follows_one_of_its_own_region_or_of_one_above() -> None:
    assert when(FOUNDED, of_state(), following("of-the-state"))
    county = instrument(instrument_id=InstrumentId("of-a-county"), region="410302")
    assert refused(FOUNDED, county, following("of-a-county")) == [("follows_not_above", "items[1].follows[0]")]
    assert refused(FOUNDED, following("unheard-of")) == [("unknown_instrument", "items[0].follows[0]")]


def test_memoranda_that_follow_one_another_are_refused() -> None:
    assert refused(FOUNDED, of_state(follows=("ours",)), following("of-the-state", region="000000")) == [
        ("follows_in_circle", "items[0].follows[0]"),
        ("follows_in_circle", "items[1].follows[0]"),
    ]


def test_what_a_followed_memorandum_says_is_not_said_again() -> None:
    above = measure(measure_id=MeasureId("above"), instrument_id="of-the-state")
    copied = measure(instrument_id="ours")
    assert refused(FOUNDED, of_state(), following("of-the-state"), above, copied) == [
        ("measure_copied", "items[3].text_zh"),
    ]


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
    assert when(FOUNDED, measure(), may, good)
    wrong = measure_list(mandatory=("may", "unheard-of"), recommended=("may",))
    assert refused(FOUNDED, may, wrong) == [
        ("listed_in_wrong_class", "items[1].mandatory[0]"),
        ("unknown_measure", "items[1].mandatory[1]"),
        ("item_twice", "items[1].recommended[0]"),
    ]


def test_two_editions_are_compared_measure_by_measure() -> None:
    told = compare_lists(measure_list(mandatory=("a", "b")), measure_list(2, mandatory=("b", "c"), recommended=("d",)))
    assert (told.added, told.removed, told.reclassified) == (["c", "d"], ["a"], [])
    moved = compare_lists(measure_list(mandatory=("a",)), measure_list(2, recommended=("a",)))
    assert [(one.measure_id, one.was, one.now) for one in moved.reclassified] == [("a", "mandatory", "recommended")]


def test_two_versions_are_compared_field_by_field() -> None:
    basis = Basis(document="示例法", article="第三条", valid_from=date(2016, 5, 30))
    now = measure(2, text_en="Stricter", basis=(*measure().basis, basis), implementers=(TAX, CREDIT_OFFICE))
    told = {one.field: (one.was, one.now) for one in differences(measure(), now)}
    assert told["text_en"] == ("", "Stricter")
    assert told["implementers"] == ([TAX], [TAX, CREDIT_OFFICE])
    assert told["basis[1]"] == (None, basis.model_dump(mode="json"))
    assert set(told) == {"text_en", "implementers", "basis[1]"}


# --- retirement


def end(kind: ItemKind, item_id: str, last_day: date = date(2026, 4, 30), reason: str = "示例") -> PlacedEnd:
    return PlacedEnd("retirements[0]", Retirement(kind=kind, item_id=item_id, last_day=last_day, reason=reason))


def retiring(book: LawBook, *ends: PlacedEnd) -> list[LawbookChange]:
    command = Publish((), CREDIT_OFFICE, tuple(ends))
    return [cast("LawbookChange", event) for event in decide(book, command, NOW)]


def not_retired(book: LawBook, *ends: PlacedEnd) -> list[tuple[str, str | None]]:
    with pytest.raises(Rejected) as refusal:
        retiring(book, *ends)
    return [(fault.code, fault.field) for fault in refusal.value.faults]


IN_USE = then_book(FOUNDED, when(FOUNDED, measure(), legal_basis()))


def test_an_item_is_retired_and_its_next_version_begins_after_its_last_day() -> None:
    [event] = retiring(IN_USE, end(ItemKind.MEASURES, "stricter-review"))
    assert isinstance(event, ItemRetired)
    assert event.lawbook_version == IN_USE.version + 1
    book = then_book(IN_USE, [event])
    assert refused(book, measure(2)) == [("versions_overlap", "items[0].effective_from")]
    assert when(book, measure(2, effective_from=date(2026, 5, 1)))
    assert retiring(book, end(ItemKind.MEASURES, "stricter-review")) == []
    assert not_retired(book, end(ItemKind.MEASURES, "stricter-review", date(2026, 3, 31))) == [
        ("retired_already", "retirements[0].item_id"),
    ]


@pytest.mark.parametrize(
    ("ended", "fault"),
    [
        (end(ItemKind.MEASURES, "unheard-of"), ("unknown_item", "retirements[0].item_id")),
        (end(ItemKind.MEASURES, "stricter-review", reason=" "), ("field_missing", "retirements[0].reason")),
        (end(ItemKind.MEASURES, "stricter-review", date(2025, 1, 1)), ("end_before_start", "retirements[0].last_day")),
        (end(ItemKind.DOMAINS, "tax", date(2026, 5, 7)), ("day_not_come", "retirements[0].last_day")),
        (end(ItemKind.DEPARTMENTS, TAX), ("still_named", "retirements[0].item_id")),
        (end(ItemKind.DEPARTMENTS, CREDIT_OFFICE), ("last_credit_office", "retirements[0]")),
    ],
)
def test_it_does_not_retire(ended: PlacedEnd, fault: tuple[str, str]) -> None:
    assert not_retired(IN_USE, ended) == [fault]


def test_a_kind_of_bodies_has_no_end() -> None:
    book = then_book(FOUNDED, when(FOUNDED, SECTOR))
    assert not_retired(book, end(ItemKind.CATEGORIES, "sector")) == [("not_retirable", "retirements[0].kind")]


def test_a_department_that_nobody_counts_on_is_retired() -> None:
    book = then_book(IN_USE, when(IN_USE, department("spare")))
    assert retiring(book, end(ItemKind.DEPARTMENTS, "spare"))


# --- example settings


def confirming(book: LawBook, *settings: str, **named: Any) -> list[LawbookChange]:
    asked = Confirmation(ItemKind.MEASURES, named.get("item_id", "stricter-review"), settings, named.get("version"))
    command = Confirm((asked,), named.get("note", "示例〔2026〕2号"), named.get("by", CREDIT_OFFICE))
    return [cast("LawbookChange", event) for event in decide(book, command, NOW)]


UNCONFIRMED = then_book(FOUNDED, when(FOUNDED, measure(example_settings=("force", "works"))))


def test_a_confirmed_setting_is_no_example_any_more_and_loading_the_item_again_changes_nothing() -> None:
    book = then_book(UNCONFIRMED, confirming(UNCONFIRMED, "force"))
    found = book.measure(MeasureId("stricter-review"))
    assert found is not None
    assert found.example_settings == ("works",)
    assert when(book, measure(example_settings=("force", "works"))) == []


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
def test_it_does_not_confirm(settings: tuple[str, ...], named: dict[str, Any], fault: tuple[str, str | None]) -> None:
    with pytest.raises(Rejected) as refusal:
        confirming(UNCONFIRMED, *settings, **named)
    assert [(one.code, one.field) for one in refusal.value.faults] == [fault]
