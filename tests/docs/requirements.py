"""docs/requirements.md as data: its rows, its sources, and what is wrong with them."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROW_IDS = (
    *(str(number) for number in range(1, 32)),
    *(f"N{number}" for number in range(1, 11)),
    *(f"F{number}" for number in range(1, 16)),
)
STATUSES = ("shown", "partly", "open", "declined")

_HEADING = re.compile(r"^### ([NF]?\d+)\. (.+)$", re.M)
_FIELD = re.compile(r"^- \*\*([^*]+)\*\*:\s+(.+?)(?=^- \*\*|\n\n|\Z)", re.M | re.S)
_SOURCE = re.compile(r"^\| (00\d) \| ([^|]+) \|.*\| `([^`]+)` \|$", re.M)
_NUMBER = re.compile(r"[一-龥]+(?:〔\d{4}〕\d+号|令第\d+号)")
_QUOTED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Row:
    row_id: str
    title: str
    body: str
    fields: Mapping[str, str]

    def quoted(self, field: str) -> list[str]:
        """What a field names in backticks."""
        return _QUOTED.findall(self.fields.get(field, ""))


@dataclass(frozen=True)
class Source:
    """An official document that ships."""

    code: str
    number: str
    file: str


def rows(page: str) -> list[Row]:
    return [_row(heading, page) for heading in _HEADING.finditer(page)]


def sources(page: str) -> list[Source]:
    return [Source(*found.groups()) for found in _SOURCE.finditer(_section(page, "Key of source codes"))]


def documents(page: str) -> frozenset[str]:
    """Document numbers (文号) of all sources, those that do not ship included."""
    return frozenset(_NUMBER.findall(_section(page, "Key of source codes") + _section(page, "Other sources")))


def settings(page: str) -> set[str]:
    """The settings of a policy that the page names."""
    tables = _section(page, "Where the documents disagree") + _section(page, "National rules that came later")
    cells = [cell for line in tables.splitlines() if line.startswith("|") for cell in line.split("|")]
    return {name for cell in cells for name in _QUOTED.findall(cell) if re.fullmatch(r"[a-z_]+", name)}


def faults(page: str, tests: Collection[str], root: Path) -> list[str]:
    """Rows that are missing or come twice, and rows that do not say what every row has to say."""
    found = rows(page)
    return [*_wrong_rows([row.row_id for row in found]), *(f for row in found for f in _faults_of(row, tests, root))]


def exists(path: str, root: Path) -> bool:
    """A folder, a file, or a Python module by its path without suffix."""
    return (root / path).exists() or (root / f"{path}.py").is_file()


def _row(heading: re.Match[str], page: str) -> Row:
    rest = page[heading.end() :]
    end = re.search(r"^##", rest, re.M)
    body = rest[: end.start()] if end else rest
    fields = {name: " ".join(value.split()) for name, value in _FIELD.findall(body)}
    return Row(heading[1], heading[2], body, fields)


def _section(page: str, title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", page, re.M | re.S)
    return found[1] if found else ""


def _wrong_rows(ids: list[str]) -> Iterator[str]:
    yield from (f"row {one} is missing" for one in ROW_IDS if one not in ids)
    yield from (f"row {one} is unknown: raise the last number here" for one in ids if one not in ROW_IDS)
    yield from (f"row {one} comes twice" for one in sorted({one for one in ids if ids.count(one) > 1}))


def _faults_of(row: Row, tests: Collection[str], root: Path) -> Iterator[str]:
    status = row.fields.get("Status", "")
    built, shown = row.quoted("Built in"), row.quoted("Shown by")
    if status not in STATUSES:
        yield f"row {row.row_id}: status is one of {', '.join(STATUSES)}"
    if not row.fields.get("Asked by"):
        yield f"row {row.row_id}: no source asks for it"
    if status != "open" and not (built and shown):
        yield f"row {row.row_id}: {status} without a path or a test"
    if (status in ("partly", "open")) is ("Missing" not in row.fields):
        yield f"row {row.row_id}: {status} and what is missing do not fit"
    yield from (f"row {row.row_id}: no test {name}" for name in shown if name not in tests)
    yield from (f"row {row.row_id}: no path {path}" for path in built if not exists(path, root))
