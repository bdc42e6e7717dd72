"""Runs rehearsals: goes through the files by key and records what a draft of the law would change in each.

It reads files and writes its report, nothing else. Batches are small and not kept, so that memory does not grow with the number
of entries. The report and the cursor move in one transaction, so that an interrupted rehearsal continues from there.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.domain.deciding import SUBJECT_FILE
from services.registry.domain.file import SubjectFile
from services.registry.domain.rehearsal import ChangedLine, Mode, Rehearsal, What
from services.registry.stores import rehearsals
from services.registry.views import in_force
from shared.contracts.event import SubjectKey
from shared.eventstore import Metadata, Session
from shared.polling import PollingWorker
from shared.runtime.core import Core

POLL_SECONDS = 0.5
BATCH = 250
"""Subjects."""
KEPT = timedelta(days=30)
"""How long a report is kept after the rehearsal finished."""


class RehearsalWorker(PollingWorker):
    """Works on the oldest rehearsal that is not done."""

    def __init__(self, core: Core, batch: int = BATCH) -> None:
        """`batch`: subjects in one transaction."""
        super().__init__("rehearsals", idle_seconds=POLL_SECONDS)
        self._core = core
        self._batch = batch
        self._current: tuple[str, Rehearsal] | None = None

    async def poll(self) -> bool:
        """One batch of the oldest rehearsal. False when there is none."""
        async with self._core.engine.begin() as connection:
            row = await rehearsals.claim(connection)
            if row is None:
                self._current = None
                return False
            total = row.of_subjects
            if total is None:
                total = await in_force.count(connection)
            keys = await in_force.subjects(connection, row.after, self._batch)
            if keys:
                await self._run_batch(connection, row, keys, total)
            else:
                await self._finish(connection, row, total)
        return True

    async def _rehearsal(self, connection: AsyncConnection, row: Any) -> Rehearsal:
        if self._current is None or self._current[0] != row.rehearsal_id:
            book = (await self._core.lawbook.at_least(connection, row.lawbook_version)).as_of(row.lawbook_version)
            rehearsal = Rehearsal.of(book, rehearsals.draft_items(row.draft), row.day, Mode(row.mode))
            self._current = (row.rehearsal_id, rehearsal)
        return self._current[1]

    async def _run_batch(self, connection: AsyncConnection, row: Any, keys: Sequence[SubjectKey], total: int) -> None:
        core = self._core
        rehearsal = await self._rehearsal(connection, row)
        touched = sorted({*keys, *await in_force.people_of(connection, keys)})
        session = Session(core.store, core.clock.now(), Metadata(actor=f"service:{core.name}"), connection)
        await session.load(SUBJECT_FILE, touched)
        batch = _Batch(row, rehearsal, frozenset(keys))
        for key in touched:
            batch.compare(key, await session.state(SUBJECT_FILE, key))
        if batch.differences:
            await rehearsals.add_differences(connection, batch.differences)
        await rehearsals.advance(connection, row.rehearsal_id, after=keys[-1], of_subjects=total, **batch.totals())

    async def _finish(self, connection: AsyncConnection, row: Any, total: int) -> None:
        now = self._core.clock.now()
        await rehearsals.advance(
            connection, row.rehearsal_id, state=rehearsals.DONE, of_subjects=total, finished_at=now
        )
        await rehearsals.delete_finished_before(connection, now - KEPT)


@dataclass
class _Batch:
    """The differences that a rehearsal finds in the files of some subjects and of the persons tied to them."""

    row: Any
    """The rehearsal before the batch."""
    rehearsal: Rehearsal
    keys: frozenset[SubjectKey]
    """The listed subjects of the batch."""
    differences: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    entries: int = 0

    def __post_init__(self) -> None:
        self._settings = Counter[str](cast("dict[str, int]", orjson.loads(self.row.settings)))

    def compare(self, key: SubjectKey, file: SubjectFile) -> None:
        listed = key in self.keys
        # A responsible person comes up with each subject that names it, and is counted only with the first of them.
        if listed or _first_tied(file, self.keys):
            for line in self.rehearsal.lines_changed(file):
                self.differences.append(self._difference(key, line))
        if not listed:
            return
        for held in file.entries.values():
            if held.active and not held.roles:
                self.entries += 1
                settings = self.rehearsal.settings_changed(held.entry, self.row.day)
                self._settings.update(f"{held.entry.jurisdiction} {name}" for name in settings)

    def _difference(self, key: SubjectKey, line: ChangedLine) -> dict[str, Any]:
        entry = line.entry
        return {
            "rehearsal_id": self.row.rehearsal_id,
            "number": self.row.added + self.row.ended + len(self.differences) + 1,
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

    def totals(self) -> dict[str, Any]:
        """The counts of the rehearsal after the batch."""
        row, found = self.row, self.differences
        added = sum(one["what"] == What.ADDED for one in found)
        return {
            "subjects": row.subjects + len(self.keys),
            "entries": row.entries + self.entries,
            "changed": row.changed + len({one["entry_id"] for one in found}),
            "added": row.added + added,
            "ended": row.ended + len(found) - added,
            "settings": orjson.dumps(dict(self._settings)).decode(),
        }


def _first_tied(file: SubjectFile, keys: frozenset[SubjectKey]) -> bool:
    """Whether the batch has the first subject, by key, to which this person is tied by an entry in force."""
    tied = [held.entry.subject.key for held in file.entries.values() if held.active and held.roles]
    return bool(tied) and min(tied) in keys
