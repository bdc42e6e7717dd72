"""Rehearsals of a draft of the law, and how far the files are in step with the present one. The credit office asks."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime
from typing import Annotated, Any, cast

import orjson
from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils import uuid7

from services.registry.domain.rehearsal import Mode, draft_faults, in_order
from services.registry.rehearsing import draft_text
from services.registry.views import rehearsals, resolving
from shared.calendar.working_days import today
from shared.contracts.lawbook import ItemKind
from shared.eventstore import Session
from shared.lawbook.book import LawBook
from shared.lawbook.items import SHAPES, Item, kind_of
from shared.rejection import Fault, reject, reject_all
from shared.runtime.core import Core
from shared.trust import OfficerRole, Principal
from shared.web.access import require
from shared.web.core import CoreDep
from shared.web.writing import Answer, Write

router = APIRouter(prefix="/v1")

Keeper = Annotated[Principal, Depends(require(OfficerRole.CREDIT_OFFICE))]
Watcher = Annotated[Principal, Depends(require(OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR))]
MOST_ITEMS = 1_000


class Draft(BaseModel):
    """New versions of items of the law book, by kind: `{"policies": [...], "measures": [...], "memoranda": [...]}`."""

    mode: Mode = Field(
        default=Mode.PUBLISHED_NOW,
        description="published_now: earlier decisions are reached only where the draft is milder; "
        "had_been_in_force: as if it had been known when each entry was listed",
    )
    items: dict[ItemKind, list[dict[str, Any]]]


class RehearsalAnswer(BaseModel):
    rehearsal_id: str
    state: str
    mode: Mode
    asked_by: str
    asked_at: datetime
    lawbook_version: int
    day: date = Field(description="The day as of which the law is asked")
    of_subjects: int | None = Field(description="How many there are to go through; none: not counted yet")
    subjects: int = Field(description="How many were gone through")
    entries: int
    changed: int = Field(description="Entries, for listed subjects and for persons, for which lines would change")
    added: int = Field(description="Lines that the draft would add")
    ended: int = Field(description="Lines that it would take away")
    settings: dict[str, dict[str, int]] = Field(
        description="Jurisdiction → setting of its policies that would govern otherwise → entries"
    )
    finished_at: datetime | None


class RehearsalList(BaseModel):
    items: list[RehearsalAnswer]


class DifferencePage(BaseModel):
    items: list[dict[str, Any]]
    next: int | None


class RunAnswer(BaseModel):
    """A run through all entries in force, because the law had changed."""

    lawbook_version: int
    law_day: date
    began_at: datetime
    finished_at: datetime | None
    subjects: int
    changed: int


class RunList(BaseModel):
    items: list[RunAnswer]
    of_subjects: int


@router.post("/rehearsals", status_code=202, response_model=RehearsalAnswer)
async def rehearse(draft: Draft, core: CoreDep, who: Keeper, write: Write) -> Response:
    """Ask what a draft would change. Nothing of it is published; the answer is a report that grows as it is worked out."""
    book = await core.lawbook.current()
    items = in_order(_read(draft.items))
    reject_all(draft_faults(book, items))

    async def ask(session: Session) -> Answer:
        row = _new(core, book, draft.mode, items, who)

        async def keep(connection: AsyncConnection) -> None:
            await rehearsals.ask(connection, row)

        session.also(keep)
        return Answer(202, _answer(row))

    return await write(who, ask)


def _read(kinds: Mapping[ItemKind, list[dict[str, Any]]]) -> list[Item]:
    """Items by their models, unknown fields refused. Raises Rejected with every fault."""
    found: list[Item] = []
    faults: list[Fault] = []
    for kind, items in kinds.items():
        for nth, item in enumerate(items):
            try:
                found.append(SHAPES[kind].model.model_validate(item, extra="forbid"))
            except ValidationError as error:
                path = f"items.{kind.value}[{nth}]"
                for one in error.errors(include_input=False, include_url=False):
                    field = ".".join([path, *map(str, one["loc"])])
                    faults.append(Fault("field_invalid", field, {"message": one["msg"]}))
    reject_all(faults)
    if not found or len(found) > MOST_ITEMS:
        raise reject("draft_size", "items", most=MOST_ITEMS)
    return found


def _new(core: Core, book: LawBook, mode: Mode, items: list[Item], who: Principal) -> dict[str, Any]:
    now = core.clock.now()
    return {
        "rehearsal_id": str(uuid7()),
        "asked_by": who.subject,
        "asked_at": now,
        "mode": mode.value,
        "draft": draft_text([(kind_of(item), item) for item in items]),
        "lawbook_version": book.version,
        "day": today(now),
        "state": rehearsals.RUNNING,
        "after": "",
        "of_subjects": None,
        "subjects": 0,
        "entries": 0,
        "changed": 0,
        "added": 0,
        "ended": 0,
        "settings": "{}",
        "finished_at": None,
    }


def _answer(row: Mapping[str, Any]) -> RehearsalAnswer:
    settings: dict[str, dict[str, int]] = {}
    for name, entries in cast("dict[str, int]", orjson.loads(row["settings"])).items():
        jurisdiction, _, setting = name.partition(" ")
        settings.setdefault(jurisdiction, {})[setting] = entries
    return RehearsalAnswer.model_validate({**row, "settings": settings})


@router.get("/rehearsals")
async def newest(core: CoreDep, who: Watcher, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> RehearsalList:
    """The rehearsals that were asked for last."""
    async with core.store.reading.connect() as connection:
        rows = await rehearsals.newest(connection, limit)
    return RehearsalList(items=[_answer(row._mapping) for row in rows])  # pyright: ignore[reportPrivateUsage]


@router.get("/rehearsals/{rehearsal_id}")
async def progress(rehearsal_id: str, core: CoreDep, who: Watcher) -> RehearsalAnswer:
    """How far a rehearsal is, and what it has found so far."""
    return _answer(await _row(core, rehearsal_id))


async def _row(core: Core, rehearsal_id: str) -> Mapping[str, Any]:
    async with core.store.reading.connect() as connection:
        found = await rehearsals.one(connection, rehearsal_id)
    if found is None:
        raise reject("unknown_id", "path.rehearsal_id")
    return cast("Mapping[str, Any]", found._mapping)


@router.get("/rehearsals/{rehearsal_id}/differences")
async def differences(
    rehearsal_id: str,
    core: CoreDep,
    who: Watcher,
    after: Annotated[int, Query(ge=0, description="The `next` of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> DifferencePage:
    """The lines that would be added or taken away, for whom, and why."""
    await _row(core, rehearsal_id)
    async with core.store.reading.connect() as connection:
        rows = await rehearsals.differences(connection, rehearsal_id, after, limit)
    items = [{name: getattr(row, name) for name in rehearsals.REPORT} for row in rows]
    return DifferencePage(items=items, next=rows[-1].number if len(rows) == limit else None)


@router.get("/rehearsals/{rehearsal_id}/differences.csv")
async def report(rehearsal_id: str, core: CoreDep, who: Watcher) -> StreamingResponse:
    """The whole report as a file; the first line names the columns."""
    await _row(core, rehearsal_id)
    headers = {"Content-Disposition": f'attachment; filename="rehearsal-{rehearsal_id}.csv"'}
    return StreamingResponse(_csv(core, rehearsal_id), media_type="text/csv; charset=utf-8", headers=headers)


async def _csv(core: Core, rehearsal_id: str) -> AsyncIterator[str]:
    yield "\ufeff" + _lines([rehearsals.REPORT])  # spreadsheet programs take UTF-8 for UTF-8 by this mark
    async with core.store.reading.connect() as connection:
        async for page in rehearsals.every_difference(connection, rehearsal_id):
            yield _lines([tuple(_safe(getattr(row, name)) for name in rehearsals.REPORT) for row in page])


def _safe(value: object) -> str:
    """A name that begins like a formula is not one."""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _lines(rows: list[tuple[str, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


@router.get("/resolving")
async def resolving_again(core: CoreDep, who: Watcher, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> RunList:
    """How far the entries in force are in step with the present law."""
    async with core.store.reading.connect() as connection:
        rows = await resolving.latest(connection, limit)
        total = await resolving.count_in_force(connection)
    return RunList(items=[RunAnswer.model_validate(dict(row._mapping)) for row in rows], of_subjects=total)
