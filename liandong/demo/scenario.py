"""The scenario of the demo: list, answer, repair or end, let terms expire, undo. Every phase can be repeated without effect.

A phase sends its requests and then waits until the services report that every service has processed them.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from liandong.demo import steps
from liandong.demo.client import CREDIT_OFFICE, OPERATOR, Client, RequestRefused, approver, lister
from liandong.demo.ledger import SERVICES, Stalled, ledger, missing, off_list, states, wait
from liandong.demo.lists import JURISDICTION, LONGEST_SHORT_TERM, ListFile, ends_soon, list_files
from liandong.demo.run import Before, Phase, PlannedStep, Run, RunFile
from liandong.demo.show import Meter, Show
from liandong.demo.steps import Listed, StepRunner
from liandong.demo.systems import DepartmentSystems
from liandong.demo.wording import word
from shared.calendar.working_days import today as today_in_shanghai
from shared.contracts.lawbook import ListKind

_MOVED_DAYS = LONGEST_SHORT_TERM + 10
"""The clock is moved by this many days: past every short term, and past every deadline to answer."""
_SAVE_SECONDS = 1.0
_KINDS = {"黑名单": ListKind.BLACK, "红名单": ListKind.RED, "重点关注名单": ListKind.WATCH}


class FileRefused(Exception):
    """The initiator refused a whole list file."""


@dataclass
class Scenario:
    """One run, from its current phase to the end."""

    client: Client
    file: RunFile
    run: Run
    show: Show
    files: list[ListFile] = field(default_factory=list[ListFile])
    entries: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """The entries of this run by id, as the initiator lists them."""

    async def play(self) -> None:
        """Run all remaining phases. Raises RequestRefused, FileRefused or Stalled; completed phases stay completed."""
        await self._begin()
        systems = DepartmentSystems(self.client, await self._departments())
        async with _running(systems):
            if self.run.phase is Phase.LISTING:
                await self._list()
            self.entries = await self._entries()
            if self.run.phase is Phase.ANSWERING:
                await self._answer(systems)
            if self.run.phase is Phase.ACTING:
                await self._act(systems)
            if self.run.phase is Phase.CLOSING:
                await self._close(systems)

    async def _begin(self) -> None:
        if self.run.today is None:
            now = (await self.client.get(OPERATOR, "/initiator/v1/operations/state"))["now"]
            self.run.today = today_in_shanghai(datetime.fromisoformat(now))
            counted = await ledger(self.client)
            self.run.before = Before(entries=counted.entries, lines=counted.directed)
            self.file.save(self.run)
        self.files = list_files(self.run.mark, self.run.first, self.run.subjects, self.run.today)

    async def _departments(self) -> list[str]:
        found = self.client.pages(CREDIT_OFFICE, "/catalogue/v1/departments", {"region": JURISDICTION})
        return [one["department_id"] async for one in found if not one["credit_office"]]

    async def _entries(self) -> dict[str, dict[str, Any]]:
        return {
            item["entry_id"]: item
            for import_id in self.run.imports.values()
            async for item in self.client.pages(CREDIT_OFFICE, "/initiator/v1/entries", {"import_id": import_id})
        }

    @asynccontextmanager
    async def _timed(self, name: str) -> AsyncGenerator[None]:
        """Add the duration of the block to the run's times; it is saved every second, in case of an interruption."""
        before, started = self.run.took.get(name, 0.0), time.monotonic()

        def save() -> None:
            self.run.took[name] = before + time.monotonic() - started
            self.file.save(self.run)

        async def save_regularly() -> None:
            while True:
                await asyncio.sleep(_SAVE_SECONDS)
                save()

        saving = asyncio.create_task(save_regularly())
        try:
            yield
        finally:
            saving.cancel()
            save()

    def _enter(self, phase: Phase) -> None:
        self.run.phase = phase
        self.file.save(self.run)

    # --- from the files to published entries

    async def _list(self) -> None:
        async with self._timed("list"):
            with self.show.phase("checking") as meter:
                for file in self.files:
                    await self._upload(file)
                await self._until({"checked", "publishing", "done"}, "rows", meter)
            with self.show.phase("publishing") as meter:
                for file in self.files:
                    await self._approve(file)
                await self._until({"done"}, "published", meter)
        self._enter(Phase.ANSWERING)

    async def _upload(self, file: ListFile) -> None:
        key = self.run.key("import", file.department)
        officer = lister(file.department)
        created = await self.client.upload(officer, "/initiator/v1/imports", file.name, file.content, key)
        self.run.imports[file.department] = created["import_id"]
        self.file.save(self.run)

    async def _approve(self, file: ListFile) -> None:
        import_id, key = self.run.imports[file.department], self.run.key("approval", file.department)
        await self.client.post(approver(file.department), f"/initiator/v1/imports/{import_id}/approve", {}, key)

    async def _until(self, wanted: set[str], counted: str, meter: Meter) -> None:
        total = sum(len(file.good) + (file.bad if counted == "rows" else 0) for file in self.files)

        async def probe() -> tuple[bool, Hashable]:
            found = await self._imports()
            for one in found:
                if one["status"] == "refused":
                    faults = "; ".join(fault["detail"] for fault in one["faults"])
                    raise FileRefused(word("file_refused", faults=faults))
            done = sum(one[counted] for one in found)
            meter(done, total)
            return all(one["status"] in wanted for one in found), (done, tuple(one["status"] for one in found))

        await wait(self.client, probe)

    async def _imports(self) -> list[dict[str, Any]]:
        requests = [
            self.client.get(CREDIT_OFFICE, f"/initiator/v1/imports/{import_id}")
            for import_id in self.run.imports.values()
        ]
        return list(await asyncio.gather(*requests))

    # --- until every line is answered, except those that departments leave open

    async def _answer(self, systems: DepartmentSystems) -> None:
        async with self._timed("answer"):
            with self.show.phase("answering") as meter:
                await self._until_answered(systems, meter)
        self._enter(Phase.ACTING)

    async def _until_answered(self, systems: DepartmentSystems, meter: Meter) -> None:
        before, expected = self.run.before, self.run.before.entries + len(self.entries)

        async def probe() -> tuple[bool, Hashable]:
            now = await ledger(self.client)
            tasks, entries = systems.tasks_left_open(), len(systems.entries_left_open())
            meter(now.directed - before.lines - now.waiting, now.directed - before.lines)
            answered = now.entries >= expected and now.waiting <= tasks and now.waiting_entries <= entries
            return answered, (now, tasks)

        await wait(self.client, probe)

    # --- the steps after publication, and the move of the clock

    async def _act(self, systems: DepartmentSystems) -> None:
        if not self.run.plan:
            self.run.plan = self._plan(systems.entries_left_open())
            self.file.save(self.run)
        runner = StepRunner(self.client, self.run)
        async with self._timed("act"):
            with self.show.phase("acting") as meter:
                await self._object(runner)
                done = 0

                async def run_step(planned: PlannedStep) -> None:
                    nonlocal done
                    await runner.run(planned)
                    done += 1
                    meter(done, len(self.run.plan))

                await runner.for_each(self.run.plan, run_step)
            with self.show.phase("undoing") as meter:
                await self._until_undone(systems, meter)
            with self.show.phase("waiting_for_deadlines"):
                await self._move_the_clock(systems)
        self._enter(Phase.CLOSING)

    def _plan(self, left_open: set[str]) -> list[PlannedStep]:
        assert self.run.today is not None
        rows = {row.document_number: row for file in self.files for row in file.good}
        by_document = {one["document_number"]: entry_id for entry_id, one in self.entries.items()}
        listed = [
            Listed(
                by_document[number], self.entries[by_document[number]]["department"], _KINDS[row.list_name], row.grade
            )
            for number, row in rows.items()
            if number in by_document and by_document[number] not in left_open
            if not ends_soon(row.term_to or None, self.run.today)
        ]
        return steps.plan(listed)

    async def _object(self, runner: StepRunner) -> None:
        """Open the objections, and wait until the disciplines of their entries are suspended."""
        objections = [planned for planned in self.run.plan if planned.step in steps.OBJECTIONS]
        await runner.for_each(objections, runner.object)
        if self.run.rested:
            return

        async def probe() -> tuple[bool, Hashable]:
            before, self.run.rested = self.run.rested, (await ledger(self.client)).suspended
            return self.run.rested >= len(objections) and self.run.rested == before, self.run.rested

        await wait(self.client, probe)
        self.file.save(self.run)
        self.show.say(word("resting", lines=self.run.rested))

    async def _move_the_clock(self, systems: DepartmentSystems) -> None:
        """Move all clocks to the same instant, repair's last, so that no service receives an ending from its future."""
        if self.run.clock is None:
            now = datetime.fromisoformat((await self.client.get(OPERATOR, "/repair/v1/operations/state"))["now"])
            self.run.clock = now + timedelta(days=_MOVED_DAYS)
            self.file.save(self.run)
        for service in SERVICES:
            if not await self._move(service, self.run.clock):
                self.show.say(word("clock_stands"))
                return
        left_open = systems.tasks_left_open()

        async def probe() -> tuple[bool, Hashable]:
            now = await ledger(self.client)
            self.run.were_overdue = max(self.run.were_overdue, now.overdue)
            # In a year whose holidays are not announced no last day is certain, and nobody is overdue.
            return now.overdue + now.uncertain >= left_open or systems.tasks_left_open() == 0, (
                now,
                systems.tasks_left_open(),
            )

        await wait(self.client, probe)
        day = today_in_shanghai(self.run.clock).isoformat()
        self.show.say(word("clock_moved", day=day, overdue=self.run.were_overdue))

    async def _move(self, service: str, instant: datetime) -> bool:
        """False when the services use the real clock, which cannot be moved."""
        try:
            await self.client.put(OPERATOR, f"/{service}/v1/operations/clock", {"now": instant.isoformat()})
        except RequestRefused as refused:
            if refused.code == "clock_not_movable":
                return False
            if refused.code != "clock_moves_forward_only":  # it was already moved before an interruption
                raise
        return True

    # --- until no measure of an ended entry is in force

    async def _close(self, systems: DepartmentSystems) -> None:
        systems.answer_all()
        async with self._timed("close"):
            with self.show.phase("closing") as meter:
                await self._until_undone(systems, meter)
        if left := await left_in_force(self.client):
            raise Stalled(0, left)
        self._enter(Phase.DONE)

    async def _until_undone(self, systems: DepartmentSystems, meter: Meter) -> None:
        """Wait until every entry that left its list is closed; only tasks that departments left open are unanswered."""

        async def probe() -> tuple[bool, Hashable]:
            timers = (await states(self.client))["repair"]["timers_due"]
            left, now = len(await off_list(self.client)), await ledger(self.client)
            meter(now.closed_entries, left)
            left_open = systems.tasks_left_open()
            undone = now.closed_entries == left and not (timers or now.undoing or now.undoing_entries)
            return undone and now.waiting <= left_open, (now, left, timers, left_open)

        await wait(self.client, probe)


async def left_in_force(client: Client) -> list[str]:
    """A second proof: the ended entries with a measure that is not proved undone must be none. Returns the reasons."""
    page = await client.get(CREDIT_OFFICE, "/feedback/v1/statistics/still-in-force")
    return await missing(client) if page["items"] else []


@asynccontextmanager
async def _running(systems: DepartmentSystems) -> AsyncGenerator[None]:
    """The systems of the departments work as long as the block; when one of them fails, the block ends with its error."""
    working = asyncio.create_task(systems.run())
    current = asyncio.current_task()
    assert current is not None
    working.add_done_callback(lambda done: current.cancel() if not done.cancelled() else None)
    try:
        yield
    except asyncio.CancelledError:
        if working.done() and not working.cancelled() and (error := working.exception()):
            current.uncancel()
            raise error from None
        raise
    finally:
        working.cancel()
        await asyncio.wait({working})
