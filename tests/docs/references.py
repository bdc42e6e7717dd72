"""References in texts: to rows, source codes, document numbers, links, tests. Pure; each function takes a text."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

_ITEM = r"[NF]?\d{1,3}(?!\d)"
_ROWS = re.compile(rf"\b[Rr]ows?\s+({_ITEM}(?:(?:,\s+and\s+|,\s+|\s+and\s+|\s+or\s+|\s+to\s+|\s*[-–]\s*){_ITEM})*)")
_ROWS_ZH = re.compile(r"需求第\s*([NF]?\d{1,3})\s*行")
_LETTERED = re.compile(r"(?<![\w#./\\-])([NF][1-9]\d?)(?![\w-])")
_LISTED = re.compile(
    r"^(?:#+ Rows\b[^\n]*\n.*?(?=^#|\Z)|Rows of the requirements:.*?(?=\n\n|\Z)|\| rows \|[^\n]*)", re.M | re.S
)
_LISTED_ITEM = re.compile(r"(?<![\w.,〔(-])\(?([NF]?[1-9]\d?)\)?(?=[\s,.;|)]|$)")

_NUMERAL = "[一二三四五六七八九十]+"
_CLAUSE = rf"{_NUMERAL}[(（]{_NUMERAL}[)）]\d{{0,2}}|[(（]{_NUMERAL}[)）]|{_NUMERAL}(?![\w(（])"
_POINT = r"\d{1,2}(?!\w|\.\d)"
_SEPARATOR = r"(?:-|,\s+|\s+and\s+|\s+)"
_CLAUSES = rf"(?:{_CLAUSE})(?:{_SEPARATOR}(?:{_CLAUSE}))*|{_POINT}(?:{_SEPARATOR}{_POINT})*"
_CODE = re.compile(rf"(?<![\w.,:/#+'\"}}-])(?<!\d )(00\d)(?![\w'\"]|\.\d|-\d)(?:\s+({_CLAUSES}))?")
_NUMBERED = re.compile(r"([一-龥]*)〔(\d{4})〕(\d+)号")
_ORDER = re.compile(r"令第(\d+)号|(\d+)号令")

_LINK = re.compile(r"!?\[[^\]\n]*\]\((?:<([^>\n]+)>|([^)\s]+))(?:\s+\"[^\"]*\")?\)")
_CODE_BLOCK = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.M | re.S)
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.M)

_CITED_TEST = re.compile(r"`(test_\w+|[a-z]\w*)`")
_CITED_FILE = re.compile(r"`(?:tests/[\w/]*)?(test_\w+\.py)`")


@dataclass(frozen=True)
class Outline:
    """The clauses of one document. Items or points that count through all of it may be cited alone."""

    clauses: frozenset[str]


def rows_named(text: str) -> set[str]:
    """`row 12`, `rows 4-6`, `rows 2, 3 and N5`, `N5`, `F12`, `需求第 31 行`, and the lists of rows in a README."""
    found = [*_ROWS.findall(text), *_ROWS_ZH.findall(text), *_LETTERED.findall(text)]
    named = {one for group in found for one in re.findall(r"[NF]?\d+", group)}
    return named | {one for part in _LISTED.findall(text) for one in _LISTED_ITEM.findall(_CODE.sub("", part))}


def unknown_rows(text: str, known: Collection[str]) -> list[str]:
    return sorted(f"row {one}" for one in rows_named(text) if one not in known)


def unknown_clauses(text: str, outlines: Mapping[str, Outline]) -> list[str]:
    """Source codes without a document, and clauses that the document does not have: `002 六(三)`, `001 8-10`."""
    return [one for found in _CODE.finditer(text) for one in _unknown(found[1], found[2] or "", outlines)]


def unknown_documents(text: str, known: Collection[str]) -> list[str]:
    """Document numbers (文号) that no source has. Those of invented decisions begin with 示例."""
    numbered = [found for found in _NUMBERED.finditer(text) if "示例" not in found[1]]
    orders = [next(number for number in found if number) for found in _ORDER.findall(text)]
    return [
        *(found[0] for found in numbered if not found[0].endswith(tuple(known))),
        *(f"令第{number}号" for number in orders if not any(one.endswith(f"令第{number}号") for one in known)),
    ]


def with_codes(text: str, codes: Mapping[str, str]) -> str:
    """Document numbers that are followed by a clause, replaced by their codes, so that the clause is looked up too."""
    for number, code in codes.items():
        text = re.sub(rf"{re.escape(number)}\s?(?={_CLAUSE})", f" {code} ", text)
    return text


def outline(document: str, *, items_alone: bool, points_alone: bool) -> Outline:
    """What can be cited: 一, 一(四), 三(三)2; (十) and 14 where they count through the whole document."""
    part = item = ""
    clauses: set[str] = set()
    for line in document.splitlines():
        plain = line.strip("#* \f")
        if found := re.match(rf"({_NUMERAL})、", plain):
            part, item = found[1], ""
            clauses.add(part)
        elif found := re.match(rf"[(（]({_NUMERAL})[)）]", plain):
            item = f"({found[1]})"
            clauses.update({part + item, *([item] if items_alone else [])})
        elif found := re.match(r"(\d+)[.．]", plain):
            clauses.update({part + item + found[1], *([found[1]] if points_alone else [])})
    return Outline(frozenset(clauses))


def links(page: str) -> list[str]:
    """Targets of links and pictures within the repository, code left out."""
    found = [pointed or plain for pointed, plain in _LINK.findall(_CODE_BLOCK.sub("", page))]
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(page: str) -> set[str]:
    """Anchors of the headings of a page, as GitHub makes them."""
    found: set[str] = set()
    for heading in _HEADING.findall(re.sub(r"^(```|~~~).*?^\1", "", page, flags=re.M | re.S)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found.add(next(one for one in _numbered(slug) if one not in found))
    return found


def cited_tests(page: str) -> set[str]:
    """Names in backticks that are tests: `test_...`, or the words of one without this prefix (six words or more)."""
    return {name for name in _CITED_TEST.findall(page) if name.startswith("test_") or name.count("_") >= 5}


def cited_test_files(page: str) -> set[str]:
    return set(_CITED_FILE.findall(page))


def _unknown(code: str, cited: str, outlines: Mapping[str, Outline]) -> Iterator[str]:
    if code not in outlines:
        yield code
        return
    for clause in re.findall(rf"{_CLAUSE}|{_POINT}", cited):
        if clause.replace("（", "(").replace("）", ")") not in outlines[code].clauses:
            yield f"{code} {clause}"


def _numbered(slug: str) -> Iterator[str]:
    yield slug
    yield from (f"{slug}-{nth}" for nth in range(1, 1_000))
