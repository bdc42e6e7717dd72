"""The list files of a run: invented subjects in three domains, and twenty rows with errors.

The same run writes the same files, byte by byte, so a repeated upload after an interruption is the same import. A row is
identified by its document number, which is unique over all runs.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta

from liandong.demo.subjects import InventedSubjects
from shared.contracts.lawbook import (
    ListKind,
    Role,
)

JURISDICTION = "410300"
SHORTEST_TERM = 20
"""Days until the end of a short term: at least this many, and at most `LONGEST_SHORT_TERM`."""
LONGEST_SHORT_TERM = 34
RESERVED = 100
"""Number of subjects that a run reserves for its bad rows, besides those of the good rows."""
FEWEST = 40
"""Minimum number of entries: with fewer, some kinds of row would not occur."""

_SUBJECTS = InventedSubjects(seed=2026)
_LISTS = {ListKind.BLACK: "黑名单", ListKind.RED: "红名单", ListKind.WATCH: "重点关注名单"}
_HEADINGS = (
    *("名单类型", "领域", "失信等级", "证件类型", "主体编号", "名称", "决定文书号", "决定日期", "事实", "依据"),
    *("行为终止日期", "期限开始", "期限结束", "辖区", "是否公示", "有履行能力但拒不履行", "责任人"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row of a list file, in the order of the headings."""

    list_name: str
    domain_id: str
    grade: str
    scheme: str
    number: str
    name: str
    document_number: str
    decided_on: str
    facts: str
    legal_basis: str
    act_ended_on: str
    term_from: str
    term_to: str
    jurisdiction: str
    public: str
    able_but_unwilling: str
    responsible: str

    def cells(self) -> list[str]:
        return [str(getattr(self, field.name)) for field in fields(self)]


@dataclass(frozen=True, slots=True)
class ListFile:
    """The list file of one department."""

    department: str
    domain_id: str
    name: str
    content: bytes
    good: tuple[Row, ...]
    bad: int


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of list of one domain: its percentage of all entries, and the texts of its decisions."""

    department: str
    domain_id: str
    list_kind: ListKind
    percent: int
    grades: tuple[str, ...]
    mark: str
    facts: str
    basis: str


_COURT, _TAX, _SAFETY = "luoyang-court", "luoyang-state-tax", "luoyang-work-safety"
_DEFAULTERS, _TAXES, _WORK = "judgment-defaulters", "tax", "work-safety"
_DECIDED_DAYS_AGO = 400
"""So long ago that the minimum of publicity (a year for the gravest records, 36号令) has passed, and repairs can be granted."""
_GRADES = ("ordinary", "graver", "serious")
_PUBLIC_GRADE = "serious"
_BASIS_BLACK, _BASIS_RED = "洛政〔2017〕44号 四(一)（示例）", "洛政〔2017〕44号 三(二)（示例）"
_KINDS = (
    _Kind(_COURT, _DEFAULTERS, ListKind.BLACK, 40, (), "执", "未履行生效法律文书确定的义务", _BASIS_BLACK),
    _Kind(_TAX, _TAXES, ListKind.BLACK, 15, (), "税黑", "欠缴应纳税款并转移财产", _BASIS_BLACK),
    _Kind(_TAX, _TAXES, ListKind.RED, 20, (), "税红", "连续三年纳税信用评价为A级", _BASIS_RED),
    _Kind(_SAFETY, _WORK, ListKind.BLACK, 12, _GRADES, "安黑", "发生生产安全责任事故", _BASIS_BLACK),
    _Kind(_SAFETY, _WORK, ListKind.WATCH, 3, (), "安注", "存在安全隐患，未达到列入黑名单的标准", _BASIS_BLACK),
    _Kind(_SAFETY, _WORK, ListKind.RED, 10, (), "安红", "连续三年未发生生产安全事故", _BASIS_RED),
)


def document_number(run_mark: str, mark: str, place: int) -> str:
    return f"示例{mark}〔{run_mark}〕{place}号"


def list_files(run_mark: str, first: int, subjects: int, today: date) -> list[ListFile]:
    """One file per department: `subjects` good rows in total, and twenty bad ones. `first`: index of the first subject."""
    rows: dict[str, list[Row]] = {}
    domains: dict[str, str] = {}
    for place, kind in enumerate(_kinds(subjects)):
        rows.setdefault(kind.department, []).append(_good(run_mark, first, place, kind, today))
        domains[kind.department] = kind.domain_id
    files: list[ListFile] = []
    spare = first + subjects
    for department, good in sorted(rows.items()):
        bad = _bad_rows(department, run_mark, spare, good, today)
        spare += len(bad)
        name = f"{domains[department]}-{run_mark}.csv"
        content = _csv(_mixed([row.cells() for row in good], bad))
        files.append(ListFile(department, domains[department], name, content, tuple(good), len(bad)))
    return files


def _kinds(subjects: int) -> Iterator[_Kind]:
    """The kinds of all good rows; the remainder of the percentages goes to the first kind."""
    counts = [subjects * kind.percent // 100 for kind in _KINDS]
    counts[0] += subjects - sum(counts)
    for kind, count in zip(_KINDS, counts, strict=True):
        yield from [kind] * count


# --- good rows


def _good(run_mark: str, first: int, place: int, kind: _Kind, today: date) -> Row:
    decided_on = today - timedelta(days=_DECIDED_DAYS_AGO + place % 200)
    is_person = kind.list_kind is ListKind.BLACK and kind.department == _COURT and place % 7 == 2
    scheme, number, name = _person(first + place) if is_person else _company(_subject_index(first, place, kind))
    grade = kind.grades[place % len(kind.grades)] if kind.grades else ""
    return Row(
        list_name=_LISTS[kind.list_kind],
        domain_id=kind.domain_id,
        grade=grade,
        scheme=scheme,
        number=number,
        name=name,
        document_number=document_number(run_mark, kind.mark, place + 1),
        decided_on=decided_on.isoformat(),
        facts=f"示例：{kind.facts}",
        legal_basis=kind.basis,
        act_ended_on=(decided_on - timedelta(days=30)).isoformat() if place % 3 == 0 else "",
        term_from=decided_on.isoformat(),
        term_to=_term_end(place, today),
        jurisdiction=JURISDICTION,
        public="否" if is_person or not _may_be_public(kind.list_kind, grade) else "是",
        able_but_unwilling="是" if kind.department == _COURT and place % 4 == 0 else "",
        responsible=_responsible(first, place) if kind.list_kind is ListKind.BLACK and not is_person else "",
    )


def _may_be_public(list_kind: ListKind, grade: str) -> bool:
    """The watch list is not public; of the grades, Luoyang publishes 严重 only."""
    return list_kind is not ListKind.WATCH and grade in ("", _PUBLIC_GRADE)


def _subject_index(first: int, place: int, kind: _Kind) -> int:
    """A tenth of the tax black list is also on the court's list; so are a few of the red list, which is a conflict."""
    every = 10 if kind.list_kind is ListKind.BLACK else 50
    # The court's list comes first, and every seventh of its rows, starting with the first, is a company.
    return first + 7 * (place // every) if kind.domain_id == _TAXES and place % every == 0 else first + place


def _term_end(place: int, today: date) -> str:
    match place % 8:
        case 3:
            return (today + timedelta(days=SHORTEST_TERM + place % (LONGEST_SHORT_TERM - SHORTEST_TERM))).isoformat()
        case 5:
            return ""
        case 7:
            return "2999-12-31"
        case rest:
            return (today + timedelta(days=365 * (1 + rest % 3))).isoformat()


def ends_soon(term_to: str | None, today: date) -> bool:
    """Whether the term of an entry of this run ends before the clock is moved on."""
    return term_to is not None and date.fromisoformat(term_to) <= today + timedelta(days=LONGEST_SHORT_TERM)


def _company(index: int) -> tuple[str, str, str]:
    company = _SUBJECTS.company(index)
    return "统一社会信用代码", company.credit_code, company.name


def _person(index: int) -> tuple[str, str, str]:
    person = _SUBJECTS.person(index)
    return "居民身份证", person.resident_id, person.name


_ROLES = (Role.LEGAL_REPRESENTATIVE, Role.PRINCIPAL, Role.SENIOR_MANAGER, Role.SHAREHOLDER)


def _responsible(first: int, place: int) -> str:
    """Every fifth row has a responsible person; some persons are responsible for two companies."""
    if place % 5 != 1:
        return ""
    person = _SUBJECTS.person(first + (place - 10 if place % 40 == 11 else place))
    role = _ROLES[place // 5 % len(_ROLES)].value
    responsible = {"role": role, "scheme": "person", "number": person.resident_id, "name": person.name}
    return json.dumps([responsible], ensure_ascii=False)


# --- bad rows

_Spoil = Callable[[Row], Row | list[str]]


def _mistyped(row: Row) -> Row:
    """A number with a wrong check digit."""
    return replace(row, number=row.number[:-1] + ("0" if row.number[-1] != "0" else "1"))


def _flaws(department: str, good: Sequence[Row], today: date) -> list[_Spoil]:
    """The errors of the bad rows of a department's file, one per row."""
    later, earlier = today + timedelta(days=40), today - timedelta(days=2 * _DECIDED_DAYS_AGO)
    flaws: dict[str, list[_Spoil]] = {
        _COURT: [
            _mistyped,
            lambda row: replace(row, number="410300000000001"),
            lambda row: replace(row, number=row.number[:13]),
            lambda row: replace(row, legal_basis=""),
            lambda row: replace(row, decided_on=later.isoformat(), act_ended_on=""),
            lambda row: replace(row, list_name=_LISTS[ListKind.RED]),
            lambda row: replace(row, list_name="灰名单"),
        ],
        _TAX: [
            lambda row: replace(row, domain_id="no-such-domain"),
            lambda row: replace(row, domain_id=_WORK, grade="serious"),
            lambda row: replace(row, document_number=""),
            lambda row: good[0],
            lambda row: replace(row, scheme="居民身份证", number="99999919900230001X", name="示例子"),
            lambda row: replace(row, term_to=earlier.isoformat()),
            lambda row: replace(row, decided_on="2026-13-45"),
        ],
        _SAFETY: [
            lambda row: replace(row, grade="very-serious"),
            lambda row: replace(row, grade=""),
            lambda row: replace(row, list_name=_LISTS[ListKind.WATCH], grade="", public="是"),
            lambda row: replace(row, jurisdiction="洛阳"),
            lambda row: replace(row, responsible="示例子、示例丑"),
            lambda row: row.cells()[:-3],
        ],
    }
    return flaws[department]


def _bad_rows(department: str, run_mark: str, spare: int, good: Sequence[Row], today: date) -> list[list[str]]:
    made: list[list[str]] = []
    for place, spoil in enumerate(_flaws(department, good, today)):
        scheme, number, name = _company(spare + place)
        document = document_number(run_mark, "误", spare + place + 1)
        own = {"scheme": scheme, "number": number, "name": name, "document_number": document}
        spoiled = spoil(replace(good[0], **own, term_to="", responsible=""))
        made.append(spoiled.cells() if isinstance(spoiled, Row) else spoiled)
    return made


# --- the file


def _mixed(good: list[list[str]], bad: list[list[str]]) -> list[list[str]]:
    """The bad rows are spread over the file; none comes before the first good row."""
    mixed = list(good)
    step = max(1, len(good) // (len(bad) + 1))
    for place, row in enumerate(bad, start=1):
        mixed.insert(min(place * (step + 1), len(mixed)), row)
    return mixed


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_HEADINGS)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")
