"""The law book that ships: it is whole, it quotes its documents word for word, and it says what it made up."""

import re
import shutil
from pathlib import Path

import pytest

from services.catalogue.shipped import DATA, DOCUMENTS, ShippedLawBookInvalid, shipped, unconfirmed_measures
from shared.contracts.event import DomainId
from shared.contracts.lawbook import (
    Duty,
    Force,
    ListKind,
    Measure,
    Undoing,
    Works,
)
from shared.lawbook.book import LawBook, governs

LUOYANG = "410300"
BOOK = shipped()
DOMAINS = [domain.domain_id for domain in BOOK.domains]
EVERY_MEASURE = (*BOOK.measures, *unconfirmed_measures())

PART = re.compile(r"^([一二三四五六七八九十]+)、")
ITEM = re.compile(r"^[（(]([一二三四五六七八九十]+)[）)]")


def without_page_breaks(text: str) -> str:
    return re.sub(r"\s+", "", text)


def document(number: str) -> str:
    return (DOCUMENTS / f"{number}.txt").read_text(encoding="utf-8")


def clause_text(number: str, article: str) -> str:
    """The words under a clause: `四(二)` is item （二） of part 四, `三(三)2` its point 2, `(十)` an item alone."""
    named = re.fullmatch(r"([一二三四五六七八九十]*)\(([^)]+)\)(\d*)", article)
    assert named is not None
    part_wanted, item_wanted, point = named.groups()
    part = item = ""
    kept: list[str] = []
    for line in document(number).splitlines():
        if found := PART.match(line):
            part, item = found[1], ""
        elif found := ITEM.match(line):
            item = found[1]
        if item == item_wanted and part_wanted in ("", part):
            kept.append(line)
    words = without_page_breaks("".join(kept))
    return re.split(r"(?<!\d)\d\.", words)[int(point)] if point else words


def entry_measures(domain_id: DomainId, list_kind: ListKind, *, published: bool = True) -> list[Measure]:
    """What an ordinary first listing in Luoyang triggers: no grade, no refusal to perform, on no other list."""
    regions = {instrument.instrument_id: instrument.region for instrument in BOOK.instruments}
    return [
        measure
        for measure in BOOK.measures
        if list_kind in measure.target.lists
        and domain_id in measure.target.domains
        and governs(regions[measure.instrument_id], LUOYANG)
        and not (measure.target.grades or measure.target.able_but_unwilling or measure.target.distinct_domains > 1)
        and measure.target.reaches_subject
        and measure.published is published
    ]


def lines_and_departments(measures: list[Measure]) -> tuple[int, int]:
    implementers = [department for measure in measures for department in measure.implementers]
    return len(implementers), len(set(implementers))


def test_the_files_are_read_without_a_problem_and_fold_into_a_law_book():
    changes = BOOK.changes()
    book = LawBook.empty().with_changes(changes)
    assert book.version == len(changes)
    assert len(book.measures) == len(BOOK.measures)
    assert {policy.policy_id for policy in book.policies} == {"state-2016", "luoyang-2017"}


def test_the_41_bodies_that_the_plan_of_luoyang_names_are_there_in_its_order():
    bodies = [d.name_zh for d in BOOK.departments[:41]]
    named = re.search(r"市委宣传部.*?市出入境管理处", without_page_breaks(document("洛政〔2017〕44号")))
    assert named is not None
    assert [name.replace("洛阳市", "市", 1) for name in bodies] == named[0].split("、")


def test_exactly_one_body_is_the_credit_office():
    assert [d.department_id for d in BOOK.departments if d.credit_office] == ["luoyang-credit-office"]


@pytest.mark.parametrize("measure", EVERY_MEASURE, ids=lambda measure: measure.measure_id)
def test_every_measure_stands_word_for_word_under_the_clause_that_it_names(measure: Measure):
    number, article = measure.clause.split(" ")
    assert measure.text_zh in clause_text(number, article)
    assert measure.basis[0].document == number
    assert measure.basis[0].article == article


def test_no_measure_is_taken_twice():
    ids = [measure.measure_id for measure in EVERY_MEASURE]
    assert len(ids) == len(set(ids)) == 68


@pytest.mark.parametrize("measure", EVERY_MEASURE, ids=lambda measure: measure.measure_id)
def test_every_measure_says_what_no_document_states(measure: Measure):
    assert {"force", "works", "on_end", "on_error", "published"} <= set(measure.example_settings)
    for condition in ("distinct_domains", "grades", "domains"):
        default = type(measure.target).model_fields[condition].default
        if getattr(measure.target, condition) != default:
            assert f"target.{condition}" in measure.example_settings


def test_the_example_memorandum_says_that_it_is_one():
    (memorandum,) = [instrument for instrument in BOOK.instruments if instrument.kind == "memorandum"]
    assert "示例" in memorandum.title_zh
    assert memorandum.document_number.startswith("示例")


@pytest.mark.parametrize("domain_id", DOMAINS)
def test_a_black_entry_triggers_a_handful_of_lines_at_a_handful_of_departments(domain_id: DomainId):
    lines, departments = lines_and_departments(entry_measures(domain_id, ListKind.BLACK))
    assert 4 <= lines <= 8
    assert 3 <= departments <= 5


@pytest.mark.parametrize("domain_id", DOMAINS)
def test_one_or_two_punishments_of_a_black_entry_are_unpublished_so_that_a_refusal_can_be_seen(domain_id: DomainId):
    assert 1 <= len(entry_measures(domain_id, ListKind.BLACK, published=False)) <= 2


@pytest.mark.parametrize("domain_id", [d.domain_id for d in BOOK.domains if ListKind.RED in d.lists])
def test_a_red_entry_triggers_an_occasion_an_act_and_an_invitation_at_three_departments(domain_id: DomainId):
    measures = entry_measures(domain_id, ListKind.RED)
    lines, departments = lines_and_departments(measures)
    assert 3 <= lines <= 5
    assert departments == 3
    assert {Works.OCCASION, Works.ACT} <= {measure.works for measure in measures}
    assert any(measure.duty is Duty.INVITED for measure in measures)


def test_the_kinds_of_effect_that_the_loop_must_carry_are_all_there():
    black = [m for m in BOOK.measures if ListKind.BLACK in m.target.lists and m.published]
    assert {m.works for m in black} == set(Works)
    assert any(m.works is Works.ACT and m.on_error is Undoing.RESTORE for m in black)
    assert any(m.target.able_but_unwilling for m in black)
    assert any(m.target.distinct_domains == 2 for m in black)
    assert any(m.target.grades for m in black)
    assert {m.measure_id for m in black if m.target.roles} == {"S000-023", "S000-024"}
    assert any(m.target.clean_record_years == 3 for m in BOOK.measures)


def test_who_is_invited_owes_nothing_and_is_only_recommended():
    assert all(m.force is Force.RECOMMENDED for m in EVERY_MEASURE if m.duty is Duty.INVITED)


def test_unconfirmed_measures_bind_nobody():
    loaded = {measure.measure_id for measure in BOOK.measures}
    for measure in unconfirmed_measures():
        assert measure.measure_id not in loaded
        assert measure.implementers == ()
        assert not measure.published


def test_every_mistake_in_the_files_is_told_at_once_by_file_and_id(tmp_path: Path):
    folder = tmp_path / "data"
    shutil.copytree(DATA, folder)
    slips = {
        "domains.yaml": [("may_list: [luoyang-court]", "may_list: [luoyang-nobody]")],
        "measures.yaml": [
            ("instrument_id: example-memorandum-2017-1", "instrument_id: nowhere"),
            ("works: lasting", "works: sometimes"),
            ("valid_from: 2017-10-24}]", "valid_form: 2017-10-24, valid_from: 2017-10-24}]"),
        ],
        "policies.yaml": [("    notice_before_listing: false", "    notice_before: false")],
        "departments.yaml": [("department_id: luoyang-coal,", "department_id: luoyang-grain,")],
    }
    for file, changes in slips.items():
        text = (folder / file).read_text(encoding="utf-8")
        for right, wrong in changes:
            assert right in text
            text = text.replace(right, wrong, 1)
        (folder / file).write_text(text, encoding="utf-8")
    (folder / "matters.yaml").write_text("matters: [{matter: concession, name_zh: 特许", encoding="utf-8")

    with pytest.raises(ShippedLawBookInvalid) as invalid:
        shipped(folder)

    told = {(problem.file, problem.item) for problem in invalid.value.problems}
    whole = str(invalid.value)
    assert ("domains.yaml", "judgment-defaulters") in told
    assert ("departments.yaml", "luoyang-grain") in told
    assert ("policies.yaml", "state-2016") in told
    assert ("matters.yaml", "-") in told
    assert "unknown instrument nowhere" in whole
    assert "unknown field basis.valid_form" in whole
    assert "works" in whole
