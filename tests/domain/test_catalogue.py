"""What may enter the law book, and what may not: the pure rules of the catalogue."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, cast

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.catalogue.domain import INITIAL, Item, Publish, decide, evolve, identity, version_of
from services.catalogue.shipped import shipped
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
    LawbookChange,
    ListKind,
    Measure,
    MeasureKind,
    Policy,
    Target,
    Undoing,
    Works,
)
from shared.lawbook.book import LawBook
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
    return Policy(version=version, **{**settings, **changes})


def given(*lists: Sequence[Item] | Item) -> LawBook:
    """The book after these lists were published one after another, the first while there is no credit office."""
    book = INITIAL
    for items in lists:
        book = then_book(book, when(book, *(items if isinstance(items, Sequence) else (items,))))
    return book


def when(book: LawBook, *items: Item, by: str | None = CREDIT_OFFICE) -> Sequence[LawbookChange]:
    command = Publish(items, DepartmentId(by) if by else None)
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
    book = INITIAL
    parts = shipped()
    office = next(d.department_id for d in parts.departments if d.credit_office)
    lists: list[Sequence[Item]] = [
        parts.departments,
        parts.domains,
        parts.instruments,
        parts.measures,
        parts.policies,
    ]
    for items in lists:
        book = then_book(book, when(book, *items, by=office))
    assert book.version == sum(map(len, lists))
    assert [when(book, *items, by=office) for items in lists] == [[], [], [], [], []]


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
        (policy(longest_term_months=0), [("number_too_small", "items[0].longest_term_months")]),
        (policy(clauses={"plea_working_days": ""}), [("field_missing", "items[0].clauses.plea_working_days")]),
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
    assert refused(FOUNDED, department(CREDIT_OFFICE)) == [("last_credit_office", "items")]
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
