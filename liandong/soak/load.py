"""The load: list files handed in one after another, departments that answer, and deeds that undo; all over HTTP.

Whatever is sent and not answered is sent again under the same key, as any department's system would do it.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from liandong.demo import deeds
from liandong.demo.client import CREDIT_OFFICE, OPERATOR, Client, RequestRefused, approver, lister
from liandong.demo.deeds import Doing, Listed
from liandong.demo.lists import FEWEST, JURISDICTION, RESERVED, ListFile, ends_soon, list_files
from liandong.demo.run import Run
from liandong.demo.systems import DepartmentSystems
from shared.calendar.working_days import today as today_in_shanghai
from shared.contracts.lawbook import ListKind

_KINDS = {"黑名单": ListKind.BLACK, "红名单": ListKind.RED, "重点关注名单": ListKind.WATCH}
_ASK_EVERY = 0.3


@dataclass
class Load:
    """Rounds of listing and undoing. What was taken in is counted, for the verdict."""

    client: Client
    systems: DepartmentSystems
    subjects: int = FEWEST
    first: int = 0
    rounds: int = 0
    published: int = 0
    """Good rows of all files, as the initiator counted them when it had published them."""
    refused: Counter[str] = field(default_factory=Counter[str])
    """Deeds that repair refused, by code: an entry may have ended by its term before."""
    _finishing: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self) -> None:
        """May be begun again after it was finished."""
        self._finishing.clear()
        self.systems.hurried = False

    async def run(self) -> None:
        """Round after round, one at least, until told to finish; the round in hand is finished."""
        await self.round()
        while not self._finishing.is_set():
            await self.round()

    def finish(self) -> None:
        self._finishing.set()

    async def round(self) -> None:
        """Hand in a file a department, have it approved, and undo some of it."""
        run = Run(number=1, id=uuid.uuid4().hex, subjects=self.subjects, first=self.first)
        self.first += self.subjects + RESERVED
        files = list_files(run.mark, run.first, run.subjects, await self.today())
        await asyncio.gather(*(self._list(run, file) for file in files))
        self.published += sum([(await self._import(import_id))["published"] for import_id in run.imports.values()])
        await self._undo(run, files)
        self.rounds += 1

    async def today(self) -> date:
        told = await self.client.get(OPERATOR, "/initiator/v1/operations/state")
        return today_in_shanghai(datetime.fromisoformat(told["now"]))

    async def _list(self, run: Run, file: ListFile) -> None:
        key = run.key("import", file.department)
        who = lister(file.department)
        taken = await self.client.upload(who, "/initiator/v1/imports", file.name, file.content, key)
        import_id = run.imports[file.department] = taken["import_id"]
        await self._until(import_id, {"checked", "publishing", "done"})
        key = run.key("approval", file.department)
        await self.client.post(approver(file.department), f"/initiator/v1/imports/{import_id}/approve", {}, key)
        await self._until(import_id, {"done"})

    async def _until(self, import_id: str, wanted: set[str]) -> None:
        while (await self._import(import_id))["status"] not in wanted:
            await asyncio.sleep(_ASK_EVERY)

    async def _import(self, import_id: str) -> dict[str, Any]:
        return await self.client.get(CREDIT_OFFICE, f"/initiator/v1/imports/{import_id}")

    async def _undo(self, run: Run, files: list[ListFile]) -> None:
        run.plan = deeds.plan(await self._listed(run, files))
        doing = Doing(self.client, run)
        await doing.all([one for one in run.plan if one.deed in deeds.OBJECTIONS], self._counting(doing.object))
        await doing.all(run.plan, self._counting(doing.do))

    async def _listed(self, run: Run, files: list[ListFile]) -> list[Listed]:
        today = await self.today()
        rows = {row.document_number: row for file in files for row in file.good}
        listed: list[Listed] = []
        for import_id in run.imports.values():
            async for one in self.client.pages(CREDIT_OFFICE, "/initiator/v1/entries", {"import_id": import_id}):
                row = rows[one["document_number"]]
                if not ends_soon(row.term_to or None, today):
                    kind = _KINDS[row.list_name]
                    listed.append(Listed(one["entry_id"], one["department"], kind, row.grade))
        return listed

    def _counting(self, deed: Callable[[deeds.Planned], Awaitable[Any]]) -> Callable[[deeds.Planned], Awaitable[None]]:
        async def counted(one: deeds.Planned) -> None:
            try:
                await deed(one)
            except RequestRefused as refused:
                self.refused[refused.code] += 1

        return counted


async def load_of(client: Client, *, subjects: int = FEWEST, first: int = 0) -> Load:
    """A load for the departments of the demo's place. `first` is the index of its first invented subject."""
    found = client.pages(CREDIT_OFFICE, "/catalogue/v1/departments", {"region": JURISDICTION})
    departments = [one["department_id"] async for one in found if not one["credit_office"]]
    return Load(client, DepartmentSystems(client, departments), subjects, first)
