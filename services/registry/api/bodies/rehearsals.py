"""Bodies of rehearsals, and of the runs through all entries in force."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast

import orjson
from pydantic import BaseModel, Field

from services.registry.domain.rehearsal import Mode
from services.registry.stores.rehearsals import REPORT
from shared.contracts.lawbook import ItemKind
from shared.web.paging import cut


class Draft(BaseModel):
    """New versions of items of the law book, by kind: `{"policies": [...], "measures": [...], "memoranda": [...]}`."""

    mode: Mode = Field(
        default=Mode.PUBLISHED_NOW,
        description="published_now: earlier decisions are reached only where the draft is milder; "
        "had_been_in_force: as if it had been known when each entry was listed",
    )
    items: dict[ItemKind, list[dict[str, Any]]]


class RehearsalBody(BaseModel):
    rehearsal_id: str
    state: str
    mode: Mode
    asked_by: str
    asked_at: datetime
    lawbook_version: int
    day: date = Field(description="The day as of which the law is applied")
    of_subjects: int | None = Field(description="How many subjects there are; null: not counted yet")
    subjects: int = Field(description="How many of them are done")
    entries: int
    changed: int = Field(description="Entries, for listed subjects and for persons, for which lines would change")
    added: int = Field(description="Lines that the draft would add")
    ended: int = Field(description="Lines that the draft would end")
    settings: dict[str, dict[str, int]] = Field(
        description="Jurisdiction → setting of its policies that would have another value → entries"
    )
    finished_at: datetime | None


class RehearsalList(BaseModel):
    items: list[RehearsalBody]


class DifferencePage(BaseModel):
    items: list[dict[str, Any]]
    next: int | None = Field(description="Give it as `after` to read the next page; null on the last page")


class RunBody(BaseModel):
    """A run through all entries in force because the law had changed."""

    lawbook_version: int
    law_day: date
    began_at: datetime
    finished_at: datetime | None
    subjects: int
    changed: int


class RunList(BaseModel):
    items: list[RunBody]
    of_subjects: int


def rehearsal_body(row: Mapping[str, Any]) -> RehearsalBody:
    settings: dict[str, dict[str, int]] = {}
    for name, entries in cast("dict[str, int]", orjson.loads(row["settings"])).items():
        jurisdiction, _, setting = name.partition(" ")
        settings.setdefault(jurisdiction, {})[setting] = entries
    return RehearsalBody.model_validate({**row, "settings": settings})


def difference_page(rows: Sequence[Any], limit: int) -> DifferencePage:
    """`rows`: at most `limit + 1`."""
    page, following = cut(rows, limit, lambda row: cast("int", row.number))
    return DifferencePage(items=[{name: getattr(row, name) for name in REPORT} for row in page], next=following)
