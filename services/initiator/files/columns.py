"""The columns of an import file, under their own names or the other headings in `columns.yaml`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from services.initiator.files.words import plain
from shared.contracts.lawbook import (
    ListKind,
    Role,
)
from shared.contracts.listing import Origin
from shared.rejection import Fault

_DATA: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("columns.yaml").read_text(encoding="utf-8"))
_COLUMNS = cast("dict[str, dict[str, Any]]", _DATA["columns"])

MOST_SHOWN = 20
"""Characters of an unknown heading that is repeated to the officer."""

COLUMNS: tuple[str, ...] = tuple(_COLUMNS)
REQUIRED: tuple[str, ...] = tuple(column for column, spec in _COLUMNS.items() if spec["required"])


def _words(codes: Sequence[str], others: Mapping[str, str]) -> dict[str, str]:
    return {plain(word): code for word, code in {**{code: code for code in codes}, **others}.items()}


LISTS: dict[str, ListKind] = {
    word: ListKind(code) for word, code in _words([kind.value for kind in ListKind], _DATA["lists"]).items()
}
ROLES: dict[str, Role] = {
    word: Role(code) for word, code in _words([role.value for role in Role], _DATA["roles"]).items()
}
ORIGINS: dict[str, Origin] = {
    word: Origin(code) for word, code in _words([origin.value for origin in Origin], _DATA["origins"]).items()
}
SCHEMES: dict[str, str] = {plain(word): code for word, code in _DATA["schemes"].items()}
FLAGS: dict[str, bool] = {plain(word): True for word in _DATA["yes"]} | {plain(word): False for word in _DATA["no"]}

NO_END: frozenset[str] = frozenset(plain(word) for word in _DATA["no_end"])
"""Words for a term without an end."""
NO_END_COLUMN = "term_to"

HEADINGS = _words(COLUMNS, {other: column for column, spec in _COLUMNS.items() for other in spec["also"]})
_BY_PATH: dict[str, str] = {spec["path"]: column for column, spec in _COLUMNS.items()}


def column_of(field: str | None) -> str | None:
    """The column that fills a field of an entry: `decided_on` for `decision.decided_on`. None when there is none."""
    if field is None:
        return None
    if field.startswith("responsible"):
        return "responsible"
    if field.startswith("notice") and field not in _BY_PATH:
        return "notice_served_on"
    return _BY_PATH.get(field, field if field in _COLUMNS else None)


def known(headings: Sequence[str]) -> list[str]:
    """The columns that these headings name, in their order."""
    return [column for heading in headings if (column := HEADINGS.get(plain(heading)))]


def layout(headings: Sequence[str]) -> tuple[tuple[int, ...], list[Fault]]:
    """For each of `COLUMNS` its index in the file, -1 for an absent column; and all faults of the headings.

    `columns_missing`, `columns_unknown`, `columns_twice`. A blank heading names no column, and is no fault.
    """
    found = [HEADINGS.get(plain(heading)) for heading in headings]
    unknown = [
        shown_heading(heading, place)
        for place, (heading, column) in enumerate(zip(headings, found, strict=True), start=1)
        if column is None and plain(heading)
    ]
    missing = [column for column in REQUIRED if column not in found]
    twice = [column for column, times in Counter(found).items() if column is not None and times > 1]
    faults = [
        Fault(code, None, {"columns": columns})
        for code, columns in (("columns_missing", missing), ("columns_unknown", unknown), ("columns_twice", twice))
        if columns
    ]
    return tuple(found.index(column) if column in found else -1 for column in COLUMNS), faults


def shown_heading(heading: str, place: int) -> str:
    """An unknown heading as it may be stored and shown: text with a digit, or long text, could be a value of a row."""
    text = heading.strip()
    is_word = len(text) <= MOST_SHOWN and text.isprintable() and not any(map(str.isnumeric, text))
    return text if is_word else f"#{place}"
