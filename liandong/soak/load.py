"""The load: uploads list files one after another, answers as the departments, and ends entries; all over HTTP.

A request without a response is sent again with the same Idempotency-Key, as any department's system would do.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from liandong.demo import steps
from liandong.demo.client import CREDIT_OFFICE, OPERATOR, Client, RequestRefused, approver, lister
from liandong.demo.lists import FEWEST, JURISDICTION, RESERVED, ListFile, ends_soon, list_files
from liandong.demo.run import PlannedStep, Run
from liandong.demo.steps import Listed, StepRunner
from liandong.demo.systems import DepartmentSystems
from shared.calendar.working_days import today as today_in_shanghai
from shared.contracts.lawbook import ListKind

_KINDS = {"黑名单": ListKind.BLACK, "红名单": ListKind.RED, "重点关注名单": ListKind.WATCH}
_POLL_SECONDS = 0.3


@dataclass
class Load:
    """Rounds of listing and ending. The published entries are counted, for the verdict."""

    client: Client
    systems: DepartmentSystems
    subjects: int = FEWEST
    first: int = 0
    rounds: int = 0
    published: int = 0
    """Number of good rows of all files, as counted by the initiator after their publication."""
    refused: Counter[str] = field(default_factory=Counter[str])
    """Steps that repair refused, by code: the term of an entry may have ended it before."""
    _finishing: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self) -> None:
        """Reset before a run; a load can run again after it finished."""
        self._finishing.clear()
        self.systems.answers_all = False

    async def run(self) -> None:
        """Run rounds, at least one, until `finish`; the current round is completed."""
        await self.round()
        while not self._finishing.is_set():
            await self.round()

    def finish(self) -> None:
        self._finishing.set()

    async def round(self) -> None:
        """Upload one file per department, have it approved, and end some of its entries."""
        run = Run(number=1, id=uuid.uuid4().hex, subjects=self.subjects, first=self.first)
        self.first += self.subjects + RESERVED
        files = list_files(run.mark, run.first, run.subjects, await self.today())
        await asyncio.gather(*(self._list(run, file) for file in files))
        self.published += sum([(await self._import(import_id))["published"] for import_id in run.imports.values()])
        await self._run_steps(run, files)
        self.rounds += 1

    async def today(self) -> date:
        state = await self.client.get(OPERATOR, "/initiator/v1/operations/state")
        return today_in_shanghai(datetime.fromisoformat(state["now"]))

    async def _list(self, run: Run, file: ListFile) -> None:
        key = run.key("import", file.department)
        officer = lister(file.department)
        created = await self.client.upload(officer, "/initiator/v1/imports", file.name, file.content, key)
        import_id = run.imports[file.department] = created["import_id"]
        await self._until(import_id, {"checked", "publishing", "done"})
        key = run.key("approval", file.department)
        await self.client.post(approver(file.department), f"/initiator/v1/imports/{import_id}/approve", {}, key)
        await self._until(import_id, {"done"})

    async def _until(self, import_id: str, wanted: set[str]) -> None:
        while (await self._import(import_id))["status"] not in wanted:
            await asyncio.sleep(_POLL_SECONDS)

    async def _import(self, import_id: str) -> dict[str, Any]:
        return await self.client.get(CREDIT_OFFICE, f"/initiator/v1/imports/{import_id}")

    async def _run_steps(self, run: Run, files: list[ListFile]) -> None:
        run.plan = steps.plan(await self._listed(run, files))
        runner = StepRunner(self.client, run)
        objections = [planned for planned in run.plan if planned.step in steps.OBJECTIONS]
        await runner.for_each(objections, self._counting_refusals(runner.object))
        await runner.for_each(run.plan, self._counting_refusals(runner.run))

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

    def _counting_refusals(
        self, do: Callable[[PlannedStep], Awaitable[Any]]
    ) -> Callable[[PlannedStep], Awaitable[None]]:
        async def counted(planned: PlannedStep) -> None:
            try:
                await do(planned)
            except RequestRefused as refused:
                self.refused[refused.code] += 1

        return counted


async def load_of(client: Client, *, subjects: int = FEWEST, first: int = 0) -> Load:
    """A load for the departments of the demo's city. `first` is the index of its first invented subject."""
    found = client.pages(CREDIT_OFFICE, "/catalogue/v1/departments", {"region": JURISDICTION})
    departments = [one["department_id"] async for one in found if not one["credit_office"]]
    return Load(client, DepartmentSystems(client, departments), subjects, first)
