"""The law book, folded from its stream: what it answers, as of which day, for which region."""

from datetime import date

import pytest

from shared.contracts.event import DepartmentId, DomainId, InstrumentId, MeasureId
from shared.contracts.lawbook import (
    Basis,
    Constraint,
    Department,
    DepartmentPublished,
    Domain,
    DomainPublished,
    Duty,
    Force,
    Instrument,
    InstrumentPublished,
    LawbookChange,
    ListKind,
    Measure,
    MeasureKind,
    MeasurePublished,
    Policy,
    PolicyPublished,
    Target,
    Undoing,
    Works,
)
from shared.lawbook.book import GapInLawBook, LawBook, governs, regions_from

TAX, SAFETY, UNKNOWN = DomainId("tax"), DomainId("work-safety"), DomainId("unknown")
BUREAU, MEMO, REVIEW = DepartmentId("bureau"), InstrumentId("memo"), MeasureId("strict-review")
IN_2017, IN_2018, IN_2019 = date(2017, 11, 6), date(2018, 6, 1), date(2019, 6, 1)
BLACK, RED = ListKind.BLACK, ListKind.RED


def measure(
    measure_id: MeasureId = REVIEW,
    version: int = 1,
    lists: tuple[ListKind, ...] = (BLACK,),
    domains: tuple[DomainId, ...] = (),
    clean_record_years: int | None = None,
    effective_from: date = date(2017, 10, 24),
) -> Measure:
    return Measure(
        measure_id=measure_id,
        version=version,
        text_zh="示例措施",
        clause="示例〔2017〕1号 一",
        kind=MeasureKind.DISCIPLINE if BLACK in lists else MeasureKind.INCENTIVE,
        constraint=Constraint.ADMINISTRATIVE,
        force=Force.MANDATORY,
        duty=Duty.OWED,
        works=Works.OCCASION,
        target=Target(lists=lists, domains=domains, clean_record_years=clean_record_years),
        implementers=(BUREAU,),
        basis=(Basis(document="示例〔2017〕1号", article="一", valid_from=date(2017, 10, 24)),),
        instrument_id=MEMO,
        on_end=Undoing.STOP,
        on_error=Undoing.STOP,
        published=True,
        effective_from=effective_from,
    )


def instrument(version: int = 1, in_force_from: date = date(2017, 10, 24)) -> Instrument:
    return Instrument(
        instrument_id=MEMO,
        version=version,
        kind="memorandum",
        title_zh="示例合作备忘录",
        document_number="示例〔2017〕1号",
        issued_by="示例",
        region="410300",
        in_force_from=in_force_from,
    )


def policy(
    policy_id: str,
    region: str,
    version: int = 1,
    domains: tuple[DomainId, ...] = (),
    effective_from: date = date(2017, 1, 1),
    effective_to: date | None = None,
) -> Policy:
    return Policy(
        policy_id=policy_id,
        version=version,
        region=region,
        domains=domains,
        effective_from=effective_from,
        effective_to=effective_to,
    )


def domain(domain_id: DomainId) -> Domain:
    return Domain(domain_id=domain_id, name_zh="示例领域", name_en="Example", lists=(BLACK, RED), may_list=(BUREAU,))


def department(name: str = "示例局") -> Department:
    return Department(department_id=BUREAU, name_zh=name, name_en="Example bureau", region="410300")


def change(version: int, thing: Department | Domain | Instrument | Measure | Policy) -> LawbookChange:
    match thing:
        case Department():
            return DepartmentPublished(lawbook_version=version, department=thing)
        case Domain():
            return DomainPublished(lawbook_version=version, domain=thing)
        case Instrument():
            return InstrumentPublished(lawbook_version=version, instrument=thing)
        case Measure():
            return MeasurePublished(lawbook_version=version, measure=thing)
        case Policy():
            return PolicyPublished(lawbook_version=version, policy=thing)


def given(*things: Department | Domain | Instrument | Measure | Policy) -> LawBook:
    return LawBook.empty().with_changes(change(version, thing) for version, thing in enumerate(things, start=1))


def test_an_empty_book_knows_nothing():
    book = LawBook.empty()
    assert book.version == 0
    assert book.department(BUREAU) is None
    assert book.domain(TAX) is None
    assert book.instrument(MEMO) is None
    assert book.instrument_on(MEMO, IN_2017) is None
    assert book.measure(REVIEW) is None
    assert book.measure_on(REVIEW, IN_2017) is None
    assert book.policy("p") is None
    assert book.policy_for("410302", TAX, IN_2017) is None
    assert book.measures == ()
    assert book.measures_for(TAX, BLACK) == book.measures_for(TAX, BLACK, IN_2017) == ()


def test_every_change_makes_a_new_book_and_leaves_the_old_one_as_it_was():
    before = given(department("示例局"))
    after = before.with_change(change(2, department("示例新局")))
    assert (before.version, after.version) == (1, 2)
    assert before.department(BUREAU) == department("示例局")
    assert after.department(BUREAU) == department("示例新局")


def test_a_change_that_is_already_known_is_passed_over():
    book = given(department("示例局"), domain(TAX))
    assert book.with_change(change(1, department("别的"))) is book
    assert book.with_change(change(2, department("别的"))) is book


def test_a_change_that_comes_too_early_is_refused():
    with pytest.raises(GapInLawBook) as gap:
        given(department()).with_change(change(3, domain(TAX)))
    assert (gap.value.expected, gap.value.found) == (2, 3)


def test_the_latest_version_is_answered_and_all_are_kept():
    book = given(instrument(1), instrument(2, IN_2018), measure(version=1), measure(version=2))
    assert book.instrument(MEMO) == instrument(2, IN_2018)
    assert book.instrument(MEMO, 1) == instrument(1)
    assert book.instrument(MEMO, 3) is None
    assert book.instrument_versions(MEMO) == (instrument(1), instrument(2, IN_2018))
    assert book.instruments == (instrument(2, IN_2018),)
    assert book.measures == (measure(version=2),)
    assert book.measure(REVIEW, 1) == measure(version=1)


def test_an_instrument_is_answered_in_the_version_that_had_begun_on_the_day():
    book = given(instrument(1), instrument(2, IN_2018))
    assert book.instrument_on(MEMO, IN_2017) == instrument(1)
    assert book.instrument_on(MEMO, IN_2018) == instrument(2, IN_2018)
    assert book.instrument_on(MEMO, date(2000, 1, 1)) == instrument(1)


def test_measures_are_found_by_domain_and_list():
    everywhere, tax_only = measure(MeasureId("a")), measure(MeasureId("b"), domains=(TAX,))
    incentive = measure(MeasureId("c"), lists=(RED,), clean_record_years=3)
    book = given(domain(TAX), domain(SAFETY), tax_only, everywhere, incentive)
    assert book.measures_for(TAX, BLACK) == (everywhere, tax_only)
    assert book.measures_for(SAFETY, BLACK) == (everywhere,)
    assert book.measures_for(SAFETY, RED) == (incentive,)
    assert book.measures_for(SAFETY, ListKind.WATCH) == ()
    assert book.clean_record_measures == (incentive,)


def test_an_unknown_domain_has_no_measures():
    book = given(domain(TAX), measure())
    assert book.measures_for(UNKNOWN, BLACK) == book.measures_for(UNKNOWN, BLACK, IN_2017) == ()


def test_a_later_version_of_a_measure_says_nothing_about_earlier_decisions():
    old = measure(version=1, domains=(TAX,))
    new = measure(version=2, domains=(SAFETY,), effective_from=IN_2019)
    book = given(domain(TAX), domain(SAFETY), old, new)
    assert book.measures_for(TAX, BLACK) == ()
    assert book.measures_for(TAX, BLACK, IN_2018) == (old,)
    assert book.measures_for(SAFETY, BLACK, IN_2018) == ()
    assert book.measures_for(SAFETY, BLACK, IN_2019) == (new,)
    assert book.measures_for(TAX, BLACK, IN_2019) == ()


def test_a_measure_that_has_not_begun_is_found_so_that_its_refusal_can_be_seen():
    future = measure(effective_from=IN_2019)
    assert given(domain(TAX), future).measures_for(TAX, BLACK, IN_2017) == (future,)


def test_the_policy_of_the_most_specific_region_governs():
    state, city = policy("state", "000000"), policy("city", "410300")
    province, county = policy("province", "410000"), policy("county", "410302")
    book = given(state, city, province, county)
    assert book.policy_for("410302", TAX, IN_2017) == county
    assert book.policy_for("410303", TAX, IN_2017) == city
    assert book.policy_for("410100", TAX, IN_2017) == province
    assert book.policy_for("623001", TAX, IN_2017) == state
    assert book.policy_for("000000", TAX, IN_2017) == state


def test_a_policy_of_the_domain_comes_before_one_of_every_domain_in_the_same_region():
    general, of_tax = policy("general", "410300"), policy("a-tax", "410300", domains=(TAX,))
    book = given(general, of_tax)
    assert book.policy_for("410302", TAX, IN_2017) == of_tax
    assert book.policy_for("410302", SAFETY, IN_2017) == general
    assert book.policy_for("410302", None, IN_2017) == general


def test_a_policy_governs_only_on_the_days_on_which_it_holds():
    state = policy("state", "000000", effective_from=date(2016, 5, 30))
    city = policy("city", "410300", effective_from=date(2017, 10, 24), effective_to=date(2018, 12, 31))
    book = given(state, city)
    assert book.policy_for("410300", TAX, date(2017, 10, 23)) == state
    assert book.policy_for("410300", TAX, date(2017, 10, 24)) == city
    assert book.policy_for("410300", TAX, date(2018, 12, 31)) == city
    assert book.policy_for("410300", TAX, date(2019, 1, 1)) == state
    assert book.policy_for("410300", TAX, date(2016, 5, 29)) is None


def test_a_version_of_a_policy_that_has_begun_replaces_the_earlier_one_for_good():
    first = policy("city", "410300")
    second = policy("city", "410300", version=2, effective_from=IN_2018, effective_to=IN_2019)
    book = given(first, second)
    assert book.policy_for("410300", TAX, IN_2017) == first
    assert book.policy_for("410300", TAX, IN_2018) == second
    assert book.policy_for("410300", TAX, date(2020, 1, 1)) is None


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
