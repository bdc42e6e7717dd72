"""Runs rehearsals: goes through the files by key and notes what a draft of the law would change in each.

It reads files and writes its report, nothing else. Batches are small and nothing of them is kept, so that memory does not
grow with the number of entries; the report and the cursor move in one transaction, so that a rehearsal that breaks off goes
on where it stood.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.domain.file import SubjectFile
from services.registry.domain.rehearsal import Changed, Mode, Rehearsed, What, lines_changed, settings_changed
from services.registry.handlers import FILES
from services.registry.views import rehearsals, resolving
from shared.contracts.event import SubjectKey
from shared.contracts.lawbook import ItemKind
from shared.eventstore import Metadata, Session
from shared.lawbook.items import SHAPES, Item
from shared.polling import PollingWorker
from shared.runtime.core import Core

POLL_SECONDS = 0.5
BATCH = 250
"""Subjects."""
KEPT = timedelta(days=30)
"""For so long a report can be fetched."""


class Rehearsals(PollingWorker):
    """Works on the oldest rehearsal, until it is stopped."""

    def __init__(self, core: Core, batch: int = BATCH) -> None:
        super().__init__("rehearsals", idle_seconds=POLL_SECONDS)
        self._core = core
        self._batch = batch
        self._at: tuple[str, Rehearsed] | None = None

    async def poll(self) -> bool:
        """One batch of the oldest rehearsal. False when there is none."""
        async with self._core.engine.begin() as connection:
            row = await rehearsals.claim(connection)
            if row is None:
                self._at = None
                return False
            by = await self._law(connection, row)
            total = row.of_subjects
            if total is None:
                total = await resolving.count_in_force(connection)
            keys = await resolving.subjects_in_force(connection, row.after, self._batch)
            if keys:
                await self._batch_of(connection, row, by, keys, total)
            else:
                await self._finish(connection, row, total)
        return True

    async def _law(self, connection: AsyncConnection, row: Any) -> Rehearsed:
        if self._at is None or self._at[0] != row.rehearsal_id:
            book = (await self._core.lawbook.at_least(connection, row.lawbook_version)).as_of(row.lawbook_version)
            self._at = (row.rehearsal_id, Rehearsed.of(book, draft_items(row.draft), row.day, Mode(row.mode)))
        return self._at[1]

    async def _batch_of(
        self, connection: AsyncConnection, row: Any, by: Rehearsed, keys: Sequence[SubjectKey], total: int
    ) -> None:
        core = self._core
        people = await resolving.people_of(connection, keys)
        session = Session(core.store, core.clock.now(), Metadata(actor=f"service:{core.name}"), connection)
        await session.load(FILES, {*keys, *people})
        found: list[dict[str, Any]] = []
        settings = Counter[str](cast("dict[str, int]", orjson.loads(row.settings)))
        entries = 0
        for key in sorted({*keys, *people}):
            file = await session.state(FILES, key)
            # A person is met with each subject that it is tied to; told once, with the first of its entries' subjects.
            own = [line for line in lines_changed(file, by) if key in keys or _first_tied(file, keys)]
            found += (_row(row, key, line) for line in own)
            listed = (
                [held.entry for held in file.entries.values() if held.stands and not held.roles] if key in keys else []
            )
            entries += len(listed)
            for entry in listed:
                settings.update(f"{entry.jurisdiction} {s}" for s in settings_changed(entry, by, row.day))
        for number, one in enumerate(found, start=row.added + row.ended + 1):
            one["number"] = number
        if found:
            await rehearsals.add(connection, found)
        added = sum(one["what"] == What.ADDED for one in found)
        await rehearsals.advance(
            connection,
            row.rehearsal_id,
            after=keys[-1],
            of_subjects=total,
            subjects=row.subjects + len(keys),
            entries=row.entries + entries,
            changed=row.changed + len({one["entry_id"] for one in found}),
            added=row.added + added,
            ended=row.ended + len(found) - added,
            settings=orjson.dumps(dict(settings)).decode(),
        )

    async def _finish(self, connection: AsyncConnection, row: Any, total: int) -> None:
        now = self._core.clock.now()
        await rehearsals.advance(
            connection, row.rehearsal_id, state=rehearsals.DONE, of_subjects=total, finished_at=now
        )
        await rehearsals.forget_before(connection, now - KEPT)


def _first_tied(file: SubjectFile, keys: Sequence[SubjectKey]) -> bool:
    """Whether the batch holds the first subject, by key, to whom this person is tied by an entry in force."""
    tied = [held.entry.subject.key for held in file.entries.values() if held.stands and held.roles]
    return bool(tied) and min(tied) in keys


def _row(row: Any, key: SubjectKey, line: Changed) -> dict[str, Any]:
    entry = line.entry
    return {
        "rehearsal_id": row.rehearsal_id,
        "number": 0,
        "entry_id": entry.entry_id,
        "subject_key": key,
        "name": entry.subject.name,
        "domain_id": entry.domain_id,
        "list_kind": entry.list_kind.value,
        "jurisdiction": entry.jurisdiction,
        "department": line.department,
        "measure_id": line.measure_id,
        "measure_version": line.measure_version,
        "what": line.what.value,
        "reason": str(line.reason),
    }


def draft_items(text: str) -> list[Item]:
    """The items of a draft, as they were asked for."""
    kinds = cast("dict[str, list[dict[str, Any]]]", orjson.loads(text))
    return [SHAPES[ItemKind(kind)].model.model_validate(item) for kind, items in kinds.items() for item in items]


def draft_text(items: Sequence[tuple[ItemKind, Item]]) -> str:
    """The items of a draft, by kind, as they are kept."""
    kinds: dict[str, list[Any]] = {}
    for kind, item in items:
        kinds.setdefault(kind.value, []).append(item.model_dump(mode="json"))
    return orjson.dumps(kinds).decode()
