"""From the cells of a row to the input of an entry, or the faults of all cells that cannot be read.

Hot path: each step of an import runs this once a row, for files of a hundred thousand rows. It creates as few objects as it can.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import cast

import orjson

from services.initiator.domain.entry_input import (
    MAX_LENGTHS,
    MAX_RESPONSIBLE,
    EntryInput,
    ResponsibleInput,
    SubjectInput,
)
from services.initiator.files.columns import COLUMNS, FLAGS, LISTS, ORIGINS, REQUIRED, ROLES, SCHEMES, plain
from shared.contracts.event import DepartmentId, DomainId
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import Decision, Notice, Origin
from shared.lawbook.terms import last_day
from shared.rejection import Fault

_PLACE = {column: place for place, column in enumerate(COLUMNS)}
_REQUIRED = tuple((column, _PLACE[column]) for column in REQUIRED)
_MAX_LENGTHS = tuple((column, _PLACE[column], limit) for column, limit in MAX_LENGTHS.items())


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of one file, and the department that imports it.

    `places`: the index of each of `COLUMNS` in a row, -1 for an absent column. `width`: the number of cells of the heading.
    """

    places: tuple[int, ...]
    width: int
    department: DepartmentId

    def values(self, cells: Sequence[str]) -> list[str]:
        """The values of a row in the order of `COLUMNS`; an empty text for an absent column."""
        return [cells[place].strip() if place >= 0 else "" for place in self.places]


def read_row(cells: Sequence[str], layout: Layout) -> tuple[EntryInput | None, list[Fault]]:
    """The entry input of a row and no fault; or None and the faults of all its cells.

    `row_length`, `field_missing`, `text_too_long`, `word_unknown`, `day_unreadable`, `responsible_unreadable`.
    """
    if len(cells) != layout.width:
        return None, [Fault("row_length", None, {"expected": layout.width, "found": len(cells)})]
    values = layout.values(cells)
    faults = [Fault("field_missing", column) for column, place in _REQUIRED if not values[place]]
    faults += [
        Fault("text_too_long", column, {"limit": limit})
        for column, place, limit in _MAX_LENGTHS
        if len(values[place]) > limit
    ]
    return _entry_input(values, layout.department, faults)


def _entry_input(
    values: list[str], department: DepartmentId, faults: list[Fault]
) -> tuple[EntryInput | None, list[Fault]]:
    list_name, domain_id, grade, scheme, number, name, document_number, decided, facts, basis, act_ended = values[:11]
    served, plea, begins, ends, jurisdiction, public, able, responsible, origin_name = values[11:]
    list_kind = _list_kind(list_name, faults)
    decided_on = _day(decided, "decided_on", faults)
    act_ended_on = _day(act_ended, "act_ended_on", faults)
    notice = _notice(served, plea, faults)
    term_from = _day(begins, "term_from", faults)
    term_to = _day(ends, "term_to", faults)
    is_public = _flag(public, "public", faults)
    is_able = _flag(able, "able_but_unwilling", faults)
    origin = _origin(origin_name, faults)
    persons = _responsible(responsible, faults) if responsible else ()
    if faults or list_kind is None or decided_on is None or term_from is None:
        return None, faults
    entry = EntryInput(
        list_kind=list_kind,
        domain_id=DomainId(domain_id),
        grade=grade or None,
        subject=SubjectInput(_scheme(scheme), number, name),
        responsible=persons,
        initiated_by=department,
        decision=Decision(
            document_number=document_number,
            decided_by=department,
            decided_on=decided_on,
            facts=facts,
            legal_basis=basis,
            act_ended_on=act_ended_on,
        ),
        notice=notice,
        jurisdiction=jurisdiction,
        term_from=term_from,
        term_to=last_day(term_to),
        public=is_public,
        able_but_unwilling=is_able,
        origin=origin,
    )
    return entry, faults


def _list_kind(text: str, faults: list[Fault]) -> ListKind | None:
    kind = LISTS.get(text) or LISTS.get(plain(text))
    if kind is None and text:
        faults.append(Fault("word_unknown", "list_kind", {"words": sorted(LISTS)}))
    return kind


def _origin(text: str, faults: list[Fault]) -> Origin:
    """The department's own list, as over HTTP, unless the cell says otherwise."""
    origin = ORIGINS.get(text) or ORIGINS.get(plain(text))
    if origin is None:
        faults.append(Fault("word_unknown", "origin", {"words": sorted(word for word in ORIGINS if word)}))
    return origin or Origin.OWN


def _scheme(text: str) -> str:
    return text if text in ("uscc", "person") else SCHEMES.get(plain(text), text)


def _flag(text: str, column: str, faults: list[Fault]) -> bool:
    flag = FLAGS.get(text)
    if flag is None:
        flag = FLAGS.get(plain(text))
    if flag is None:
        faults.append(Fault("word_unknown", column, {"words": sorted(word for word in FLAGS if word)}))
        return False
    return flag


def _day(text: str, column: str, faults: list[Fault]) -> date | None:
    if not text:
        return None
    day = day_of(text)
    if day is None:
        faults.append(Fault("day_unreadable", column))
    return day


@lru_cache(maxsize=8_192)
def day_of(text: str) -> date | None:
    """The date of 2024-03-01, 20240301, 2024/3/1, 2024.3.1 or 2024年3月1日; None for any other text."""
    plain_text = text.strip()
    for mark in "/.年月":
        plain_text = plain_text.replace(mark, "-")
    plain_text = plain_text.removesuffix("日")
    parts = plain_text.split("-") if "-" in plain_text else [plain_text[:4], plain_text[4:6], plain_text[6:]]
    if [len(part) for part in parts] not in ([4, 2, 2], [4, 1, 1], [4, 1, 2], [4, 2, 1]):
        return None
    if not all(part.isascii() and part.isdigit() for part in parts):
        return None
    try:
        return date(*map(int, parts))
    except ValueError:
        return None


def _notice(served: str, plea: str, faults: list[Fault]) -> Notice | None:
    """Both dates or none: a plea window (陈述申辩期) has a start and an end."""
    served_on = _day(served, "notice_served_on", faults)
    plea_until = _day(plea, "plea_until", faults)
    if served_on is not None and plea_until is not None:
        return Notice(served_on=served_on, plea_until=plea_until)
    if served_on is not None and not plea:
        faults.append(Fault("field_missing", "plea_until"))
    if plea_until is not None and not served:
        faults.append(Fault("field_missing", "notice_served_on"))
    return None


def _responsible(text: str, faults: list[Fault]) -> tuple[ResponsibleInput, ...]:
    """A JSON array of `{role, scheme, number, name}`."""
    persons = responsible_in(text)
    if persons is None or len(persons) > MAX_RESPONSIBLE:
        faults.append(Fault("responsible_unreadable", "responsible", {"limit": MAX_RESPONSIBLE}))
        return ()
    found: list[ResponsibleInput] = []
    for person in persons:
        role = ROLES.get(plain(person["role"]))
        if role is None:
            faults.append(Fault("word_unknown", "responsible", {"words": sorted(ROLES)}))
        elif len(person["name"]) > MAX_LENGTHS["name"]:
            faults.append(Fault("text_too_long", "responsible", {"limit": MAX_LENGTHS["name"]}))
        else:
            subject = SubjectInput(_scheme(person["scheme"].strip()), person["number"], person["name"])
            found.append(ResponsibleInput(subject, role))
    return tuple(found)


def responsible_in(text: str) -> list[dict[str, str]] | None:
    """The persons in the cell `responsible`, each with exactly its four texts; None for any other content."""
    try:
        read: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(read, list):
        return None
    persons = cast("list[object]", read)
    return cast("list[dict[str, str]]", persons) if all(map(_is_person, persons)) else None


def _is_person(person: object) -> bool:
    if not isinstance(person, dict):
        return False
    given = cast("dict[str, object]", person)
    return given.keys() == {"role", "scheme", "number", "name"} and all(
        isinstance(value, str) and "\0" not in value for value in given.values()
    )
