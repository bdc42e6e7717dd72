"""The shipped law book: it is complete, quotes its documents word for word, and marks what is an example."""

import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from liandong.demo_book import demo_book
from services.catalogue.domain import book as publishing
from services.catalogue.domain.content import Placed
from services.catalogue.files.shipped import DATA, DOCUMENTS, ShippedLawBookInvalid, shipped
from shared.contracts.event import DomainId, InstrumentId
from shared.contracts.lawbook import (
    Duty,
    Force,
    ListKind,
    Measure,
    Undoing,
    Works,
)
from shared.lawbook.book import LawBook
from shared.lawbook.effect import open_settings
from shared.lawbook.regions import governs

LUOYANG = "410300"
SHOWN = [DomainId("judgment-defaulters"), DomainId("tax"), DomainId("work-safety")]
"""The domains of the demonstration: a small set of measures each, in a law book of its own."""
SHIPPED = shipped()
BOOK = LawBook.empty().with_changes(SHIPPED.changes())
DEMO = LawBook.empty().with_changes(demo_book().changes())

PART = re.compile(r"^([一二三四五六七八九十]+)、")
ITEM = re.compile(r"^[（(]([一二三四五六七八九十]+)[）)]")


def without_page_breaks(text: str) -> str:
    return re.sub(r"\s+", "", text)


def document(number: str) -> str:
    return (DOCUMENTS / f"{number}.txt").read_text(encoding="utf-8")


def clause_text(number: str, article: str) -> str:
    """The words under a clause: `四(二)` is item （二） of part 4, `三(三)2` its point 2, `(十)` an item alone."""
    named = re.fullmatch(r"([一二三四五六七八九十]*)\(([^)]+)\)(\d*)", article)
    assert named is not None
    part_wanted, item_wanted, point = named.groups()
    part = item = ""
    kept: list[str] = []
    for line in document(number).splitlines():
        plain = line.strip("#* \f")
        if found := PART.match(plain):
            part, item = found[1], ""
        elif found := ITEM.match(plain):
            item = found[1]
        if item == item_wanted and part_wanted in ("", part):
            kept.append(line)
    words = "".join(kept)
    if point:  # points count on through the whole document (001), or begin anew in each item
        begins = re.search(rf"(?<!\d){point}\.(?!\d)", words)
        assert begins is not None
        words = re.split(r"(?<!\d)\d+\.(?!\d)", words[begins.end() :])[0]
    return without_page_breaks(words)


def entry_measures(domain_id: DomainId, list_kind: ListKind, *, published: bool = True) -> list[Measure]:
    """The measures of an ordinary first listing of the demo in Luoyang: no grade, no refusal to perform, on no other list."""
    return [
        measure
        for measure in DEMO.measures_for(domain_id, list_kind)
        if governs(region_of(measure), LUOYANG)
        and not (measure.target.grades or measure.target.able_but_unwilling or measure.target.distinct_domains > 1)
        and measure.target.reaches_subject
        and measure.published is published
    ]


def region_of(measure: Measure) -> str:
    instrument = BOOK.instrument(measure.instrument_id)
    assert instrument is not None
    return instrument.region


def lines_and_departments(measures: list[Measure]) -> tuple[int, int]:
    implementers = [department for measure in measures for department in measure.implementers]
    return len(implementers), len(set(implementers))


def test_the_files_are_read_without_a_problem_and_fold_into_a_law_book():
    assert BOOK.version == len(SHIPPED.changes())
    assert len(BOOK.regions) == len(SHIPPED.regions) > 3000
    assert {policy.region for policy in BOOK.policies} == {"000000", LUOYANG, "320681", "410122", "623001", "410928"}


def test_the_41_bodies_that_the_plan_of_luoyang_names_are_there_in_its_order():
    bodies = [d.name_zh for d in SHIPPED.departments[:41]]
    named = re.search(r"市委宣传部.*?市出入境管理处", without_page_breaks(document("洛政〔2017〕44号")))
    assert named is not None
    assert [name.replace("洛阳市", "市", 1) for name in bodies] == named[0].split("、")


def test_the_places_whose_documents_name_a_credit_office_have_one():
    offices = [d.department_id for d in SHIPPED.departments if d.credit_office]
    assert offices == ["luoyang-credit-office", "puyang-county-credit-office", "qidong-credit-office"]


def test_every_third_party_is_invited_and_lists_in_no_domain():
    third_parties = {d.department_id for d in SHIPPED.departments if d.is_third_party}
    assert not third_parties & {lister for domain in SHIPPED.domains for lister in domain.may_list}


def test_the_domains_whose_acts_the_state_council_names_rest_on_its_document():
    black = [domain for domain in SHIPPED.domains if ListKind.BLACK in domain.lists]
    assert {basis for domain in black for basis in domain.central_basis_ids} == {"guofa-2016-33.9"}
    without = {domain.domain_id for domain in black if not domain.central_basis_ids}
    assert without == {
        *("customs", "statistics", "real-estate", "culture-market", "land-market", "credit-loan"),
        *("illegal-building", "illegal-traffic"),
    }


@pytest.mark.parametrize("measure", SHIPPED.measures, ids=lambda measure: measure.measure_id)
def test_every_measure_stands_word_for_word_under_the_clause_that_it_names(measure: Measure):
    number, _, article = measure.clause.rpartition(" ")
    assert without_page_breaks(measure.text_zh) in clause_text(number, article)
    [basis] = [basis for basis in SHIPPED.bases if basis.basis_id in measure.basis_ids]
    assert (basis.document, basis.article) == (number, article)


def test_all_141_measures_of_the_five_documents_are_there_and_none_twice():
    ids = [measure.measure_id for measure in SHIPPED.measures]
    assert len(ids) == len(set(ids)) == 141
    kinds = [measure.kind.value for measure in SHIPPED.measures]
    assert (kinds.count("discipline"), kinds.count("incentive")) == (96, 45)


@pytest.mark.parametrize("measure", SHIPPED.measures, ids=lambda measure: measure.measure_id)
def test_every_measure_marks_what_no_document_states(measure: Measure):
    named = set(measure.example_settings)
    assert {"force", "works", "on_end", "on_error", "published", "basis_ids", "target.domains"} <= named
    assert {"answer_within_days", "undo_within_days"} <= named
    assert "matters" in named or not measure.matters
    assert "duty" in named or measure.duty is Duty.INVITED
    assert "nothing_to_undo_because" in named or not measure.nothing_to_undo_because
    for condition in ("distinct_domains", "grades"):
        default = type(measure.target).model_fields[condition].default
        if getattr(measure.target, condition) != default:
            assert f"target.{condition}" in named


def test_every_setting_that_must_be_confirmed_is_one_of_its_item():
    for _, item in SHIPPED.content().placed():
        for setting in open_settings(item):
            place: object = item
            for step in setting.split("."):
                assert hasattr(place, step), f"{item!r}: {setting}"
                place = getattr(place, step)


def test_what_the_documents_leave_open_can_be_counted():
    waiting = [item for _, item in SHIPPED.content().placed() if open_settings(item)]
    assert all(measure in waiting for measure in SHIPPED.measures)
    assert all(domain in waiting for domain in SHIPPED.domains)
    assert all(listed in waiting for listed in SHIPPED.measure_lists)


@pytest.mark.parametrize("measure", SHIPPED.measures, ids=lambda measure: measure.measure_id)
def test_every_measure_is_carried_out_by_bodies_of_the_place_for_which_it_was_issued(measure: Measure):
    region = region_of(measure)
    found = BOOK.implementers_of(measure, region)
    assert found
    assert {BOOK.departments[one.department_id].region for one in found} == {region}


@pytest.mark.parametrize("region", ["320681", "410122", "623001", "410928"])
def test_a_place_has_the_measures_of_its_own_document(region: str):
    of_place = [measure for measure in SHIPPED.measures if region_of(measure) == region]
    assert {ListKind.RED, ListKind.BLACK} <= {kind for measure in of_place for kind in measure.target.lists}
    listed = [listed for listed in SHIPPED.measure_lists if listed.region == region]
    assert [len(one.mandatory) + len(one.recommended) for one in listed] == [len(of_place)]


def test_puyang_county_has_measures_below_the_black_list_threshold():
    watch = [m for m in SHIPPED.measures if ListKind.WATCH in m.target.lists]
    assert {region_of(measure) for measure in watch} == {"410928"}
    assert len(watch) == 3


def test_the_document_that_hezuo_forwarded_is_followed_and_not_copied():
    instrument = BOOK.instrument(InstrumentId("hexinyongban-2023-27"))
    assert instrument is not None
    assert instrument.follows == ("guofa-2016-33",)


def test_the_example_memorandum_is_marked_as_an_example():
    (memorandum,) = [instrument for instrument in SHIPPED.instruments if instrument.kind == "memorandum"]
    assert "示例" in memorandum.title_zh
    assert memorandum.document_number.startswith("示例")


@pytest.mark.parametrize("domain_id", SHOWN)
def test_a_black_entry_triggers_a_handful_of_lines_at_a_handful_of_departments(domain_id: DomainId):
    lines, departments = lines_and_departments(entry_measures(domain_id, ListKind.BLACK))
    assert 4 <= lines <= 8
    assert 3 <= departments <= 5


@pytest.mark.parametrize("domain_id", SHOWN)
def test_one_or_two_punishments_of_a_black_entry_are_unpublished_so_that_a_refusal_can_be_seen(domain_id: DomainId):
    assert 1 <= len(entry_measures(domain_id, ListKind.BLACK, published=False)) <= 2


@pytest.mark.parametrize("domain_id", [d for d in SHOWN if ListKind.RED in DEMO.domains[d].lists])
def test_a_red_entry_triggers_an_occasion_an_act_and_an_invitation_at_three_departments(domain_id: DomainId):
    measures = entry_measures(domain_id, ListKind.RED)
    lines, departments = lines_and_departments(measures)
    assert 3 <= lines <= 5
    assert departments == 3
    assert {Works.OCCASION, Works.ACT} <= {measure.works for measure in measures}
    assert any(measure.duty is Duty.INVITED for measure in measures)


def test_the_kinds_of_effect_that_the_loop_must_carry_are_all_there():
    black = [m for d in SHOWN for m in DEMO.measures_for(d, ListKind.BLACK) if m.published and region_of(m) == LUOYANG]
    assert {m.works for m in black} == set(Works)
    assert any(m.works is Works.ACT and m.on_error is Undoing.RESTORE for m in black)
    assert any(m.target.able_but_unwilling for m in black)
    assert any(m.target.distinct_domains == 2 for m in black)
    assert any(m.target.grades for m in black)
    assert {m.measure_id for m in black if m.target.roles} == {"S000-023", "S000-024"}
    assert any(m.target.clean_record_years == 3 for m in demo_book().measures)


def test_the_catalogue_would_take_the_law_book_of_the_demo():
    placed = tuple(Placed(place, item) for place, item in demo_book().content().placed())
    filed = publishing.Publish(placed, None)
    assert len(publishing.changes(LawBook.empty(), filed, date(2026, 1, 1))) == DEMO.version


def test_the_law_book_of_the_demo_binds_what_its_own_file_says_and_not_what_ships():
    here = [measure for measure in demo_book().measures if region_of(measure) == LUOYANG]
    assert len(here) == 16
    assert {domain for measure in here for domain in measure.target.domains} == set(SHOWN)


def test_a_measure_of_invited_bodies_is_only_recommended():
    assert all(m.force is Force.RECOMMENDED for m in SHIPPED.measures if m.duty is Duty.INVITED)


def test_no_government_body_is_only_invited():
    for measure in (m for m in SHIPPED.measures if m.duty is Duty.INVITED):
        found = BOOK.implementers_of(measure, region_of(measure))
        kinds = {BOOK.departments[one.department_id].kind for one in found}
        assert not kinds & {"government", "court"}, measure.measure_id


def test_every_mistake_in_the_files_is_reported_at_once_by_file_and_place(tmp_path: Path):
    folder = tmp_path / "data"
    shutil.copytree(DATA, folder)
    mistakes = {
        "domains.yaml": [("may_list: [luoyang-court,", "may_list: [luoyang-nobody,")],
        "measures/luoyang.yaml": [
            ("instrument_id: example-memorandum-2017-1", "instrument_id: nowhere"),
            ("matters: [administrative-licence]", "matters: [licence]"),
        ],
        "departments/luoyang.yaml": [("department_id: luoyang-coal,", "department_id: luoyang-grain,")],
    }
    for file, changes in mistakes.items():
        text = (folder / file).read_text(encoding="utf-8")
        for right, wrong in changes:
            assert right in text
            text = text.replace(right, wrong, 1)
        (folder / file).write_text(text, encoding="utf-8")

    with pytest.raises(ShippedLawBookInvalid) as invalid:
        shipped(folder)

    reported = {(problem.file, problem.place, problem.code) for problem in invalid.value.problems}
    assert ("domains.yaml", "domains[0].may_list[0]", "unknown_department") in reported
    assert ("measures/luoyang.yaml", "measures[0].matters[0]", "unknown_matter") in reported
    assert {"unknown_instrument", "item_twice"} <= {code for _, _, code in reported}


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path):
    folder = tmp_path / "data"
    shutil.copytree(DATA, folder)
    (folder / "matters.yaml").write_text("matters:\n  - {matter_id: concession, name_zh: 特许", encoding="utf-8")
    with (folder / "domains.yaml").open("a", encoding="utf-8") as file:
        file.write("domains: []\n")
    text = (folder / "measures/qidong.yaml").read_text(encoding="utf-8")
    (folder / "measures/qidong.yaml").write_text(
        text.replace("works: lasting", "works: sometimes", 1), encoding="utf-8"
    )

    with pytest.raises(ShippedLawBookInvalid) as invalid:
        shipped(folder)

    reported = [(problem.file, problem.code) for problem in invalid.value.problems]
    assert ("matters.yaml", "yaml_unreadable") in reported
    assert ("domains.yaml", "yaml_key_twice") in reported
    assert ("measures/qidong.yaml", "field_invalid") in reported
