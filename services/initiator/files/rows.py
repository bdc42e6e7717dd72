"""From the cells of a row to the input of an entry, or the faults of all cells that cannot be read.

Hot path: each step of an import runs this once a row, for files of a hundred thousand rows. It creates as few objects as it can.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import cast

from services.initiator.domain.entry_input import (
    MAX_LENGTHS,
    MAX_RESPONSIBLE,
    EntryInput,
    ResponsibleInput,
    SubjectInput,
)
from services.initiator.files.columns import COLUMNS, FLAGS, LISTS, NO_END, ORIGINS, REQUIRED, ROLES, SCHEMES
from services.initiator.files.heading import Layout
from services.initiator.files.words import plain
from shared.contracts.event import DepartmentId, DomainId
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import Decision, Notice, Origin
from shared.files.strict_json import strict_json
from shared.lawbook.terms import last_day
from shared.rejection import Fault

_PLACE = {column: place for place, column in enumerate(COLUMNS)}
_REQUIRED = tuple((column, _PLACE[column]) for column in REQUIRED)
MAX_WORD_LENGTH = 100
"""Characters of a number, a day, a code or another word."""
MAX_CELL_LENGTH = 50_000
"""Characters of a cell that has no limit of its own: the responsible persons."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Characters that no text of a document has. Tab and line breaks stay: officers paste them."""
_MIDNIGHT = re.compile(r"[T ]00:00(:00(\.0+)?)?")

_MAX_LENGTHS = tuple(
    (column, place, MAX_LENGTHS.get(column, MAX_CELL_LENGTH if column == "responsible" else MAX_WORD_LENGTH))
    for column, place in _PLACE.items()
)


def read_row(cells: Sequence[str], layout: Layout) -> tuple[EntryInput | None, list[Fault]]:
    """The entry input of a row and no fault; or None and the faults of all its cells.

    `row_length`, `cell_without_heading`, `text_control_character`, `field_missing`, `text_too_long`, `word_unknown`,
    `day_unreadable`, `responsible_unreadable`. Empty cells behind the heading are ignored: spreadsheets write them.
    """
    if len(cells) < layout.width or any(map(str.strip, cells[layout.width :])):
        return None, [Fault("row_length", None, {"expected": layout.width, "found": len(cells)})]
    if any(cells[place].strip() for place in layout.unnamed):
        return None, [Fault("cell_without_heading")]
    values = layout.values(cells)
    if _CONTROL.search("".join(values)):
        return None, list(_control_characters(values))
    faults = [Fault("field_missing", column) for column, place in _REQUIRED if not values[place]]
    faults += [
        Fault("text_too_long", column, {"limit": limit})
        for column, place, limit in _MAX_LENGTHS
        if len(values[place]) > limit
    ]
    if any(fault.code == "text_too_long" for fault in faults):
        return None, faults
    return _entry_input(values, layout.department, faults)


def _control_characters(values: Sequence[str]) -> Iterator[Fault]:
    for column, value in zip(COLUMNS, values, strict=True):
        found = _CONTROL.search(value)
        if found:
            yield Fault(
                "text_control_character", column, {"position": found.start() + 1, "character": f"U+{ord(found[0]):04X}"}
            )


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
    term_to = None if plain(ends) in NO_END else _day(ends, "term_to", faults)
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
    """The date of 2024-03-01, 20240301, 2024/3/1, 2024.3.1 or 2024年3月1日, also with midnight; None for any other text.

    Another time of the day, or a time zone, makes it a moment: which day that is depends on the reader.
    """
    plain_text = _without_midnight(text.strip())
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


def _without_midnight(text: str) -> str:
    found = _MIDNIGHT.search(text, 8)
    return text[: found.start()] if found and found.end() == len(text) else text


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
        read: object = strict_json(text)
    except ValueError:
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
