"""The tour by the real measures: the same invented case under the five documents, resolved by the law book that ships."""

from datetime import date

import pytest

from services.catalogue.files.shipped import shipped
from services.registry.domain.law import law_on
from services.registry.domain.resolution import ALONE, FileContext, Resolution
from services.registry.domain.resolver import resolve
from shared.contracts.event import DepartmentId
from shared.contracts.lawbook import ListKind
from shared.lawbook.book import LawBook
from tests.builders import a_decision, an_entry

BOOK = LawBook.empty().with_changes(shipped().changes())
TODAY = date(2026, 5, 6)
DECIDED = date(2024, 2, 28)
LUOYANG, QIDONG, ZHONGMU, HEZUO, PUYANG = "410300", "320681", "410122", "623001", "410928"
DOCUMENTS = {
    LUOYANG: "洛政〔2017〕44号",
    QIDONG: "启东市信用办 2019-09-10",
    ZHONGMU: "牟信用〔2017〕3号",
    HEZUO: "国发〔2016〕33号",
    PUYANG: "濮县信用办〔2022〕12号",
}
in_each = pytest.mark.parametrize("region", DOCUMENTS)


def the_case(
    region: str,
    *,
    list_kind: ListKind = ListKind.BLACK,
    able_but_unwilling: bool = False,
    context: FileContext = ALONE,
) -> Resolution:
    """One company that did not obey a judgment; only the jurisdiction differs."""
    lister = DepartmentId("luoyang-court")
    entry = an_entry(
        list_kind=list_kind,
        domain_id="judgment-defaulters",
        grade="serious",
        initiated_by=lister,
        decision=a_decision(decided_by=lister, decided_on=DECIDED),
        jurisdiction=region,
        term_from=DECIDED,
        term_to=None,
        public=list_kind is ListKind.BLACK,
        able_but_unwilling=able_but_unwilling,
    )
    return resolve(entry, (), context, law_on(BOOK, TODAY), BOOK.version)


def texts(found: Resolution, *words: str) -> set[str]:
    """The directed measures whose text has one of these words."""
    return {d.measure.text_zh for d in found.directives if any(word in d.measure.text_zh for word in words)}


@in_each
def test_each_jurisdiction_answers_with_measures_of_its_own_document_and_each_line_cites_its_clause(
    region: str,
) -> None:
    found = the_case(region)
    assert found.directives
    assert all(d.measure.clause.startswith(f"{DOCUMENTS[region]} ") for d in found.directives)
    assert all(d.line.basis and d.line.instrument_version for d in found.directives)
    assert found.policies


@in_each
def test_only_puyang_county_has_measures_for_a_tier_below_the_black_list(region: str) -> None:
    assert bool(the_case(region, list_kind=ListKind.WATCH).directives) is (region == PUYANG)


@in_each
def test_consumption_is_limited_for_the_able_but_unwilling_and_in_puyang_county_for_every_black_entry(
    region: str,
) -> None:
    assert bool(texts(the_case(region), "高消费")) is (region == PUYANG)
    assert texts(the_case(region, able_but_unwilling=True), "高消费")


@in_each
def test_flights_are_limited_by_the_place_itself_and_in_qidong_asked_of_the_level_above(region: str) -> None:
    flights = texts(the_case(region, able_but_unwilling=True), "乘坐飞机")
    asked_for = {text for text in flights if text.startswith("提请")}
    if region == PUYANG:
        assert not flights, "it names high consumption, and no flights"
    else:
        assert flights and bool(asked_for) is (region == QIDONG)


@in_each
def test_loan_rates_are_raised_only_where_the_document_says_so(region: str) -> None:
    assert bool(texts(the_case(region), "提高贷款利率")) is (region in (QIDONG, ZHONGMU, HEZUO))


def test_a_second_domain_brings_more_in_luoyang() -> None:
    alone, both = the_case(LUOYANG), the_case(LUOYANG, context=FileContext(domains_listed=2))
    assert {d.measure.measure_id for d in alone.directives} < {d.measure.measure_id for d in both.directives}
    assert {d.line.domains_listed for d in both.directives} == {1, 2}
    for region in (QIDONG, HEZUO, PUYANG):
        assert the_case(region, context=FileContext(domains_listed=2)).directives == the_case(region).directives
