"""The course of the demo: list, answer, act, let terms pass, undo; each phase can be begun again and does nothing twice.

A phase sends what it has to send and then waits until the services say that it has arrived everywhere.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from liandong.demo import deeds
from liandong.demo.client import CREDIT_OFFICE, OPERATOR, Client, RequestRefused, approver, lister
from liandong.demo.deeds import Doing, Listed
from liandong.demo.ledger import SERVICES, NothingMoves, ledger, missing, off_list, states, wait
from liandong.demo.lists import JURISDICTION, LONGEST_SHORT_TERM, ListFile, ends_soon, list_files
from liandong.demo.run import Before, Phase, Run, RunFile
from liandong.demo.show import Meter, Show
from liandong.demo.systems import DepartmentSystems
from liandong.demo.wording import word
from shared.calendar.working_days import today as today_in_shanghai
from shared.contracts.lawbook import ListKind

_MOVED_DAYS = LONGEST_SHORT_TERM + 10
"""How far the clock is moved: behind every short term, and behind every deadline to answer."""
_WATCHED_SECONDS = 1.0
_KINDS = {"黑名单": ListKind.BLACK, "红名单": ListKind.RED, "重点关注名单": ListKind.WATCH}


class FileRefused(Exception):
    """The initiator would not take a list file at all."""


@dataclass
class Story:
    """One run, from where it stands to the end."""

    client: Client
    file: RunFile
    run: Run
    show: Show
    files: list[ListFile] = field(default_factory=list[ListFile])
    entries: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """The entries of this run by id, as the initiator lists them."""

    async def tell(self) -> None:
        """Raises RequestRefused, FileRefused or NothingMoves; what was done until then stands."""
        await self._begin()
        systems = DepartmentSystems(self.client, await self._departments())
        async with _beside(systems):
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
        """Add to what the run took, also when it is broken off."""
        before, begun = self.run.took.get(name, 0.0), time.monotonic()

        def noted() -> None:
            self.run.took[name] = before + time.monotonic() - begun
            self.file.save(self.run)

        async def note() -> None:
            while True:
                await asyncio.sleep(_WATCHED_SECONDS)
                noted()

        noting = asyncio.create_task(note())
        try:
            yield
        finally:
            noting.cancel()
            noted()

    def _enter(self, phase: Phase) -> None:
        self.run.phase = phase
        self.file.save(self.run)

    # --- from the files to published entries

    async def _list(self) -> None:
        async with self._timed("list"):
            with self.show.phase("checking") as meter:
                for file in self.files:
                    await self._hand_in(file)
                await self._until({"checked", "publishing", "done"}, "rows", meter)
            with self.show.phase("publishing") as meter:
                for file in self.files:
                    await self._approve(file)
                await self._until({"done"}, "published", meter)
        self._enter(Phase.ANSWERING)

    async def _hand_in(self, file: ListFile) -> None:
        key = self.run.key("import", file.department)
        who = lister(file.department)
        taken = await self.client.upload(who, "/initiator/v1/imports", file.name, file.content, key)
        self.run.imports[file.department] = taken["import_id"]
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
        asked = [
            self.client.get(CREDIT_OFFICE, f"/initiator/v1/imports/{import_id}")
            for import_id in self.run.imports.values()
        ]
        return list(await asyncio.gather(*asked))

    # --- until every line is answered, but for what departments leave lying

    async def _answer(self, systems: DepartmentSystems) -> None:
        async with self._timed("answer"):
            with self.show.phase("answering") as meter:
                await self._until_answered(systems, meter)
        self._enter(Phase.ACTING)

    async def _until_answered(self, systems: DepartmentSystems, meter: Meter) -> None:
        before, expected = self.run.before, self.run.before.entries + len(self.entries)

        async def probe() -> tuple[bool, Hashable]:
            now = await ledger(self.client)
            lying, entries_lying = systems.tasks_left_lying(), len(systems.entries_left_lying())
            meter(now.directed - before.lines - now.waiting, now.directed - before.lines)
            come = now.entries >= expected and now.waiting <= lying and now.waiting_entries <= entries_lying
            return come, (now, lying)

        await wait(self.client, probe)

    # --- what is done after the publication, and the passing of time

    async def _act(self, systems: DepartmentSystems) -> None:
        if not self.run.plan:
            self.run.plan = self._plan(systems.entries_left_lying())
            self.file.save(self.run)
        doing = Doing(self.client, self.run)
        async with self._timed("act"):
            with self.show.phase("acting") as meter:
                await self._object(doing)
                done = 0

                async def step(one: deeds.Planned) -> None:
                    nonlocal done
                    await doing.do(one)
                    done += 1
                    meter(done, len(self.run.plan))

                await doing.all(self.run.plan, step)
            with self.show.phase("undoing") as meter:
                await self._until_undone(systems, meter)
            with self.show.phase("waiting_for_deadlines"):
                await self._move_the_clock(systems)
        self._enter(Phase.CLOSING)

    def _plan(self, left_lying: set[str]) -> list[deeds.Planned]:
        assert self.run.today is not None
        rows = {row.document_number: row for file in self.files for row in file.good}
        by_document = {one["document_number"]: entry_id for entry_id, one in self.entries.items()}
        listed = [
            Listed(
                by_document[number], self.entries[by_document[number]]["department"], _KINDS[row.list_name], row.grade
            )
            for number, row in rows.items()
            if number in by_document and by_document[number] not in left_lying
            if not ends_soon(row.term_to or None, self.run.today)
        ]
        return deeds.plan(listed)

    async def _object(self, doing: Doing) -> None:
        """Objections rest the punishments; that is waited for, then they are decided."""
        objections = [one for one in self.run.plan if one.deed in deeds.OBJECTIONS]
        await doing.all(objections, doing.object)
        if self.run.rested:
            return

        async def probe() -> tuple[bool, Hashable]:
            before, self.run.rested = self.run.rested, (await ledger(self.client)).suspended
            return self.run.rested >= len(objections) and self.run.rested == before, self.run.rested

        await wait(self.client, probe)
        self.file.save(self.run)
        self.show.say(word("resting", lines=self.run.rested))

    async def _move_the_clock(self, systems: DepartmentSystems) -> None:
        """All services go to the same instant, repair last: what it ends then is ended after the others are there."""
        if self.run.clock is None:
            now = datetime.fromisoformat((await self.client.get(OPERATOR, "/repair/v1/operations/state"))["now"])
            self.run.clock = now + timedelta(days=_MOVED_DAYS)
            self.file.save(self.run)
        for service in SERVICES:
            if not await self._move(service, self.run.clock):
                self.show.say(word("clock_stands"))
                return
        lying = systems.tasks_left_lying()

        async def probe() -> tuple[bool, Hashable]:
            now = await ledger(self.client)
            self.run.were_overdue = max(self.run.were_overdue, now.overdue)
            return now.overdue >= lying or systems.tasks_left_lying() == 0, (now, systems.tasks_left_lying())

        await wait(self.client, probe)
        day = today_in_shanghai(self.run.clock).isoformat()
        self.show.say(word("clock_moved", day=day, overdue=self.run.were_overdue))

    async def _move(self, service: str, instant: datetime) -> bool:
        """False when the services' clock is the real one: then terms end when they end."""
        try:
            await self.client.put(OPERATOR, f"/{service}/v1/operations/clock", {"now": instant.isoformat()})
        except RequestRefused as refused:
            if refused.code == "clock_not_movable":
                return False
            if refused.code != "clock_moves_forward_only":  # it was there before the interruption
                raise
        return True

    # --- until nothing is left in force of what has ended

    async def _close(self, systems: DepartmentSystems) -> None:
        systems.hurry()
        async with self._timed("close"):
            with self.show.phase("closing") as meter:
                await self._until_undone(systems, meter)
        if left := await left_in_force(self.client):
            raise NothingMoves(0, left)
        self._enter(Phase.DONE)

    async def _until_undone(self, systems: DepartmentSystems, meter: Meter) -> None:
        """Whatever left its list is closed; who still owes an answer is only who left it lying."""

        async def probe() -> tuple[bool, Hashable]:
            timers = (await states(self.client))["repair"]["timers_due"]
            left, now = len(await off_list(self.client)), await ledger(self.client)
            meter(now.closed_entries, left)
            lying = systems.tasks_left_lying()
            undone = now.closed_entries == left and not (timers or now.undoing or now.undoing_entries)
            return undone and now.waiting <= lying, (now, left, timers, lying)

        await wait(self.client, probe)


async def left_in_force(client: Client) -> list[str]:
    """The proof asked the other way round: which ended entries have something that is not proved undone."""
    told = await client.get(CREDIT_OFFICE, "/feedback/v1/statistics/still-in-force")
    return await missing(client) if told["items"] else []


@asynccontextmanager
async def _beside(systems: DepartmentSystems) -> AsyncGenerator[None]:
    """The systems of the departments work as long as the block; when one of them fails, the block ends with its error."""
    working = asyncio.create_task(systems.run())
    here = asyncio.current_task()
    assert here is not None
    working.add_done_callback(lambda done: here.cancel() if not done.cancelled() else None)
    try:
        yield
    except asyncio.CancelledError:
        if working.done() and not working.cancelled() and (error := working.exception()):
            here.uncancel()
            raise error from None
        raise
    finally:
        working.cancel()
        await asyncio.wait({working})
