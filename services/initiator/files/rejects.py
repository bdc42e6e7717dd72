"""Rejected rows, as they are stored and as the reject file (退回清单) shows them: each fault with column, code, reason and row.

Names and numbers of persons are masked before anything is stored. The line number leads back to the row in the officer's file.
"""

import re
from collections.abc import AsyncIterator, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, cast

import orjson
from sqlalchemy.engine import Row

from services.initiator.domain.entry_input import MAX_LENGTHS
from services.initiator.files.columns import COLUMNS, SCHEMES, column_of
from services.initiator.files.heading import Layout
from services.initiator.files.reading import Record
from services.initiator.files.rows import MAX_CELL_LENGTH, responsible_in
from services.initiator.files.words import plain
from shared.files.csv_text import BYTE_ORDER_MARK, csv_line, no_formula
from shared.identity import is_credit_code, is_resident_id, mask_name
from shared.identity.keys import LEGAL_SCHEME, MAX_NUMBER_LENGTH
from shared.identity.personal_numbers import mask_personal_numbers
from shared.rejection import Fault, Named
from shared.web.language import Language
from shared.web.wording import Term, Wording

MAX_ROW_LENGTH = 4_000
"""Characters stored of a row."""
MAX_FAULTS = 50
"""Faults stored of one row."""

MAX_CELLS = 50
"""Cells shown of a row that does not fit the columns."""
MAX_SHOWN = 100
"""Characters shown of a word."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SCHEME, _NUMBER_AT, _NAME, _RESPONSIBLE = map(COLUMNS.index, ("scheme", "number", "name", "responsible"))


def reject_rows(import_id: str, record: Record, layout: Layout, faults: Sequence[Fault]) -> list[dict[str, Any]]:
    """The rows of `import_rejects` for one row of the file."""
    row = masked(record.cells, layout)
    return [
        {
            "import_id": import_id,
            "line": record.line,
            "number": number,
            "field": column_of(fault.field),
            "code": fault.code,
            "facts": encode_facts(fault.facts),
            "row": row,
        }
        for number, fault in enumerate(faults[:MAX_FAULTS])
    ]


def masked(cells: Sequence[str], layout: Layout) -> str:
    """The row as one line of CSV, with names and numbers of persons masked.

    When the cells do not fit the columns, nothing tells a name from a word: every cell is masked. The number and name of the
    subject are shown only for a valid credit code.
    """
    if len(cells) < layout.width or any(map(str.strip, cells[layout.width :])):
        return csv_line(["*"] * min(len(cells), MAX_CELLS), end="")
    number_at, name_at, responsible_at = (layout.places[place] for place in (_NUMBER_AT, _NAME, _RESPONSIBLE))
    shown = [_cleaned(cell) for cell in cells[: layout.width]]
    for place in layout.unnamed:
        shown[place] = "*" if shown[place] else ""
    if not _is_legal(cells, layout):
        name = cells[name_at].strip()
        shown = [cell.replace(name, mask_name(name)) if len(name) > 1 else cell for cell in shown]
        shown[name_at] = mask_name(name[: MAX_LENGTHS["name"]])
        shown[number_at] = "*" * min(len(shown[number_at]), MAX_NUMBER_LENGTH)
    if responsible_at >= 0 and shown[responsible_at]:
        shown[responsible_at] = _masked_persons(cells[responsible_at])
    return csv_line(shown, end="")[:MAX_ROW_LENGTH]


def _cleaned(cell: str) -> str:
    """A cell that can be stored and shown: without control characters, and with numbers of persons masked."""
    return mask_personal_numbers(_CONTROL.sub("\ufffd", cell.strip()[:MAX_ROW_LENGTH]))


def _is_legal(cells: Sequence[str], layout: Layout) -> bool:
    """Whether the row names its subject by a valid credit code, which is no identity number."""
    scheme_at, number_at = layout.places[_SCHEME], layout.places[_NUMBER_AT]
    scheme = SCHEMES.get(plain(cells[scheme_at].strip()), cells[scheme_at].strip())
    number = cells[number_at]
    return scheme == LEGAL_SCHEME and is_credit_code(number) and not is_resident_id(number)


def _masked_persons(text: str) -> str:
    persons = responsible_in(text) if len(text) <= MAX_CELL_LENGTH else None
    if persons is None:
        return "*"
    shown = [
        {
            "role": mask_personal_numbers(person["role"])[:MAX_SHOWN],
            "scheme": mask_personal_numbers(person["scheme"])[:MAX_SHOWN],
            "number": "*" * min(len(person["number"]), MAX_NUMBER_LENGTH),
            "name": mask_name(person["name"][: MAX_LENGTHS["name"]]),
        }
        for person in persons
    ]
    return _CONTROL.sub("\ufffd", orjson.dumps(shown).decode())


# --- facts, stored as JSON


def encode_facts(facts: dict[str, object]) -> str:
    return orjson.dumps({name: _encoded(fact) for name, fact in facts.items()}).decode()


def _encoded(fact: object) -> object:
    match fact:
        case Term():
            return {"term": fact.code, "facts": {name: _encoded(inner) for name, inner in fact.facts.items()}}
        case Named():
            return {"id": fact.id, "zh": fact.zh, "en": fact.en}
        case StrEnum():
            return {"term": f"{type(fact).__name__}.{fact.value}", "facts": {}}
        case date():
            return fact.isoformat()
        case list() | tuple():
            return [_encoded(one) for one in cast("Sequence[object]", fact)]
        case None | bool() | int() | float():
            return fact
        case _:
            return mask_personal_numbers(str(fact))


def decode_facts(text: str) -> dict[str, object]:
    """The facts as `Wording` takes them. Terms and names become objects again."""
    read = cast("dict[str, object]", orjson.loads(text))
    return {name: _decoded(fact) for name, fact in read.items()}


def _decoded(fact: object) -> object:
    if isinstance(fact, list):
        return [_decoded(one) for one in cast("list[object]", fact)]
    if not isinstance(fact, dict):
        return fact
    term = cast("dict[str, Any]", fact)
    if "id" in term:
        return Named(**term)
    facts = cast("dict[str, object]", term["facts"])
    return Term(str(term["term"]), {name: _decoded(one) for name, one in facts.items()})


# --- the file of rejects

_HEADINGS = ("line", "field", "code", "reason", "row")


async def reject_file(rejects: AsyncIterator[Row[Any]], wording: Wording, chosen: Language) -> AsyncIterator[bytes]:
    """The rejects as CSV in the caller's language. The byte order mark makes Excel read it as UTF-8."""
    yield (BYTE_ORDER_MARK + csv_line(_HEADINGS)).encode()
    async for row in rejects:
        fault = Fault(row.code, row.field, decode_facts(row.facts))
        phrase = wording.phrase(row.code)
        reason = f"{wording.fill(phrase.detail, fault, chosen)} {wording.fill(phrase.remedy, fault, chosen)}"
        cells = (str(row.line), row.field or "", row.code, reason, row.row)
        yield csv_line(no_formula(cell) for cell in cells).encode()
