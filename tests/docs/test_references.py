"""References lead somewhere: rows, source codes, document numbers, links and cited tests. Needs no server."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from shared.contracts.lawbook import Measure
from shared.contracts.policy import Execution, Procedure, Substance
from tests.docs import references, requirements, tree

PAGE = tree.text(tree.REQUIREMENTS)
ROWS = frozenset(row.row_id for row in requirements.rows(PAGE))
SOURCES = requirements.sources(PAGE)
CODES = {source.number: source.code for source in SOURCES}
DOCUMENTS = requirements.documents(PAGE)


@cache
def outlines() -> dict[str, references.Outline]:
    """Items count through the whole of 003, points through the whole of 001."""
    return {
        source.code: references.outline(
            tree.text(tree.ROOT / source.file), items_alone=source.code == "003", points_alone=source.code == "001"
        )
        for source in SOURCES
    }


def wrong_references(text: str) -> list[str]:
    return [
        *references.unknown_rows(text, ROWS),
        *references.unknown_clauses(references.with_codes(text, CODES), outlines()),
        *references.unknown_documents(text, DOCUMENTS),
    ]


def wrong_links(page: str, folder: Path) -> list[str]:
    """Targets that do not exist, and anchors that no heading of the target has."""
    return [link for link in references.links(page) if not _leads_somewhere(link, page, folder)]


def wrong_tests(page: str) -> list[str]:
    names = [name for name in references.cited_tests(page) if not {name, f"test_{name}"} & tree.names_of_tests()]
    return sorted([*names, *(references.cited_test_files(page) - tree.files_of_tests())])


def in_files(faults: Callable[[str], list[str]], *suffixes: str) -> list[str]:
    return [f"{tree.where(path)}: {fault}" for path in tree.files(*suffixes) for fault in faults(tree.text(path))]


def _leads_somewhere(link: str, page: str, folder: Path) -> bool:
    path, _, anchor = link.partition("#")
    target = folder / path if path else None
    if target is not None and not target.exists():
        return False
    if not anchor or (target is not None and target.suffix != ".md"):
        return True
    return anchor in references.anchors(tree.text(target) if target else page)


# --- docs/requirements.md --------------------------------------------------------------------------------------------


def test_every_row_says_where_it_is_built_and_what_shows_it_or_what_is_missing() -> None:
    faults = requirements.faults(PAGE, tree.names_of_tests(), tree.ROOT)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("was", "now", "fault"),
    [
        ("### 14. Terms", "### Terms", "row 14 is missing"),
        ("### 14. Terms", "### 13. Terms", "row 13 comes twice"),
        ("### F15. Cases", "### F16. Cases", "row F16 is unknown: raise the last number here"),
        ("- **Status**: shown", "- **Status**: done", "row 1: status is one of shown, partly, open, declined"),
        ("- **Status**: shown", "- **Status**: partly", "row 1: partly and what is missing do not fit"),
        ("- **Status**: shown", "- **Status**: open", "row 1: open and what is missing do not fit"),
        ("- **Asked by**: 000 五(一)", "- **Clauses**: 000 五(一)", "row 1: no source asks for it"),
        ("`test_demo_closes_its_ledger`", "`test_of_nothing`", "row 1: no test test_of_nothing"),
        (
            "`services/initiator/domain`, ",
            "`services/initiator/nothing`, ",
            "row 1: no path services/initiator/nothing",
        ),
    ],
)
def test_a_row_with_a_fault_is_found(was: str, now: str, fault: str) -> None:
    assert was in PAGE
    assert fault in requirements.faults(PAGE.replace(was, now, 1), tree.names_of_tests(), tree.ROOT)


def test_a_row_without_a_test_is_found() -> None:
    [first, *_] = requirements.rows(PAGE)
    page = PAGE.replace(first.body, first.body.replace("**Shown by**", "**See**"))
    assert "row 1: shown without a path or a test" in requirements.faults(page, tree.names_of_tests(), tree.ROOT)


def test_every_document_that_ships_has_a_code() -> None:
    shipped = {tree.where(path) for path in tree.DOCUMENTS.glob("*.txt")}
    assert {source.file for source in SOURCES} == shipped
    assert [source.code for source in SOURCES] == ["000", "001", "002", "003", "004"]
    assert [Path(source.file).stem for source in SOURCES] == [source.number for source in SOURCES]


def test_every_setting_that_the_page_names_is_one_of_a_policy_and_none_is_left_out() -> None:
    settings = {*Substance.model_fields, *Procedure.model_fields, *Execution.model_fields}
    assert requirements.settings(PAGE) <= settings | set(Measure.model_fields)
    assert [name for name in settings if f"`{name}`" not in PAGE] == []


# --- rows and sources in the tree ------------------------------------------------------------------------------------


def test_every_row_and_every_source_that_the_tree_names_is_in_the_requirements() -> None:
    wrong = in_files(wrong_references, *tree.PROSE)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Ended by a timer (row 32).", "row 32"),
        ("# Rows 4-6 and 40", "row 40"),
        ("rows 2, 3 and 77", "row 77"),
        ("rows 29 to 33", "row 33"),
        ("rows 5, N2 and N11", "row N11"),
        ("due process (N12)", "row N12"),
        ("a calendar (F16).", "row F16"),
        ("见需求第 32 行", "row 32"),
        ("## Rows\n\n1 and 2 (feedback), 33 (something). Not yet: webhooks (27).\n", "row 33"),
        ("Rows of the requirements: 1, 2 (发起响应), 41.\n", "row 41"),
        ("| rows | 1 (answers), 35 (follow-up), N1 |", "row 35"),
        ("the credit office keeps it (005 五(六))", "005"),
        ("suspended in 001, 003 and 009", "009"),
        ("steps of their own (002 九(三))", "002 九(三)"),
        ("steps of their own (002 六(三), 六(九))", "002 六(九)"),
        ("two classes (003 (四十), 001 16)", "003 (四十)"),
        ("asked of the level above (001 23)", "001 23"),
        ("by the market (001 8-10, 44)", "001 44"),
        ("a number stands alone only in 001: 000 4", "000 4"),
        ("where none governs, 国发〔2016〕33号 (三十二) does", "003 (三十二)"),
        ("洛政〔2017〕44号 三(三)9", "000 三(三)9"),
        ("洛政〔2018〕1号", "洛政〔2018〕1号"),
        ("publicity stops (37号令)", "令第37号"),
    ],
)
def test_a_reference_that_leads_nowhere_is_found(text: str, fault: str) -> None:
    assert wrong_references(text) == [fault]


@pytest.mark.parametrize(
    "text",
    [
        "rows 4-6, N2, and the disagreements (rows 7, 16, 17, and more)",
        "Row 16: see 002 六(三), 003 (二十), 001 16 and 004 四(二).",
        "001 三, 001 8-10, 003 (四)-(六), 002 五(三)1",
        "国发〔2016〕33号（二十二）, 58号令, 国家发展改革委令第36号, 合信用办字〔2023〕27号",
        "依据国办发〔2020〕49号; 示例〔2026〕1号; 示例税罚〔2026〕9号",
        "1,000 rows, 10 000 rows, row FROM t, row {n}, rows 2000, row_32",
        "HTTP 200, 2026-04-01, 13:00:00, 0.005, #F00, #F99, 005px, '005', noqa: F401, RUF001, N999",
        'f"41{n}000" 320681 0001_first 000000 uv-0.13.8 UTF-8 GBK-N13 F1-score',
        "## Rows\n\n14 (terms), 17 (5 working days: 002 六(三)), erasure (19), N5.\n\n## Next\n\n99 (seconds)",
    ],
)
def test_what_only_looks_like_a_reference_is_passed_over(text: str) -> None:
    assert wrong_references(text) == []


def test_rows_are_found_in_every_form() -> None:
    text = "rows 4-6 and N2; row 14\nRows of the requirements: 1, 2 (发起响应), F3.\n\n需求第 31 行"
    assert references.rows_named(text) == {"4", "6", "N2", "14", "1", "2", "F3", "31"}


# --- other references ------------------------------------------------------------------------------------------------


def test_links_between_pages_lead_somewhere() -> None:
    wrong = {tree.where(path): wrong_links(tree.text(path), path.parent) for path in tree.files(".md")}
    assert {path: links for path, links in wrong.items() if links} == {}


def test_a_link_that_leads_nowhere_is_found() -> None:
    page = (
        "# One\n\n[a](docs/none.md) [b](README.md#none) [c](#one) [d](#two) ![e](<a b.png>)\n[f](https://example.org)"
    )
    assert wrong_links(page, tree.ROOT) == ["docs/none.md", "README.md#none", "#two", "a b.png"]
    assert wrong_links("`[a](none.md)`\n```\n[b](none.md)\n```\n[c](docs) [d](README.md)", tree.ROOT) == []


def test_anchors_are_those_of_the_headings() -> None:
    page = (
        "# Key of source codes\n## 14. Terms, `x`\n## Twice\n## Twice\n### 触发反馈 (row 1)\n```\n# no heading\n```\n"
    )
    expected = {"key-of-source-codes", "14-terms-x", "twice", "twice-1", "触发反馈-row-1"}
    assert references.anchors(page) == expected


def test_tests_that_a_readme_names_exist() -> None:
    pages = [tree.ROOT / "shared" / "README.md", *tree.ROOT.glob("services/*/README.md")]
    wrong = {tree.where(page): wrong_tests(tree.text(page)) for page in pages}
    assert {page: names for page, names in wrong.items() if names} == {}


def test_a_test_that_a_readme_invents_is_found() -> None:
    page = (
        "`a_zombie_writes_nothing_at_all_ever`, `test_of_nothing`, `tests/engine/test_nothing.py`, `answer_within_days`"
    )
    assert wrong_tests(page) == ["a_zombie_writes_nothing_at_all_ever", "test_nothing.py", "test_of_nothing"]
