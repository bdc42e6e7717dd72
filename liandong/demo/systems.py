"""The departments' own systems, simulated: each polls its worklist over HTTP and answers it in bulk.

What is said follows from the task's id: most is applied; some does not apply; of what is only recommended some is declined;
some fails first and is acknowledged first; of what banks and others are merely invited to, half stays unanswered. A few
tasks are left lying until `hurry`: they become overdue.
"""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from liandong.demo.client import PAGE, Client, system
from shared.contracts.execution import Undone
from shared.contracts.lawbook import Duty, Force, Undoing

_SHORTEST_PAUSE = 0.2
_LONGEST_PAUSE = 3.0
_AT_ONCE = 4
"""Requests with answers that all systems together have under way."""


@dataclass
class DepartmentSystems:
    """The systems of all departments."""

    client: Client
    departments: list[str]
    hurried: bool = False
    left_lying: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict[str, frozenset[tuple[str, str]]])
    """By department, the task and the entry of each task that waits for `hurry`."""
    _woken: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])
    _sending: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def run(self) -> None:
        """Work until cancelled. Raises what a department's system cannot deal with."""
        async with asyncio.TaskGroup() as group:
            for department in self.departments:
                group.create_task(self._work(department), name=f"system of {department}")

    def hurry(self) -> None:
        """Answer what was left lying, too."""
        self.hurried = True
        self.wake()

    def wake(self) -> None:
        """Look at the worklists now."""
        for event in self._woken.values():
            event.set()

    def entries_left_lying(self) -> set[str]:
        return {entry for tasks in self.left_lying.values() for _, entry in tasks}

    def tasks_left_lying(self) -> int:
        return sum(map(len, self.left_lying.values()))

    async def _work(self, department: str) -> None:
        woken = self._woken.setdefault(department, asyncio.Event())
        pause = _SHORTEST_PAUSE
        while True:
            answered = await self._round(department)
            pause = _SHORTEST_PAUSE if answered else min(pause * 2, _LONGEST_PAUSE)
            try:
                async with asyncio.timeout(pause):
                    await woken.wait()
                pause = _SHORTEST_PAUSE
            except TimeoutError:
                pass
            woken.clear()

    async def _round(self, department: str) -> int:
        """Go once through the worklist; how many answers were given."""
        who, given = system(department), 0
        answers: list[dict[str, str]] = []
        lying: set[tuple[str, str]] = set()
        async for task in self.client.pages(who, "/executor/v1/tasks", {"state": "open"}):
            if self._is_left_lying(task):
                lying.add((task["task_id"], task["entry_id"]))
            elif answer := answer_to(task):
                answers.append({"task_id": task["task_id"], **answer})
        for start in range(0, len(answers), PAGE):
            given += await self._answer(department, answers[start : start + PAGE])
        self.left_lying[department] = frozenset(lying)
        return given

    def _is_left_lying(self, task: Mapping[str, Any]) -> bool:
        is_slow = _dice(task, "slow") < 1 and task["duty"] == Duty.OWED
        return is_slow and task["asks"] == "answer" and not self.hurried

    async def _answer(self, department: str, answers: list[dict[str, str]]) -> int:
        async with self._sending:
            body = {"answers": answers}
            result = await self.client.post(system(department), "/executor/v1/tasks/answers", body, str(uuid4()))
        # A task may have ended or been suspended since it was read; the next round sees what it asks then.
        return int(result["accepted"])


def answer_to(task: Mapping[str, Any]) -> dict[str, str] | None:
    """What a department says about a task that asks something; nothing, when it is merely invited and not inclined."""
    match task["asks"]:
        case "undo":
            return _undoing(task)
        case "confirm":
            return _confirming(task)
        case _:
            return _answering(task)


def _answering(task: Mapping[str, Any]) -> dict[str, str] | None:
    if task["duty"] == Duty.INVITED and _dice(task, "invited") < 50:
        return None
    thrown = _dice(task, "answer")
    if thrown < 4:
        return {"answer": "not_applicable", "reason": "示例：该主体在本部门没有相关业务"}
    if thrown < 12 and task["force"] == Force.RECOMMENDED:
        return {"answer": "refuse", "reason": "示例：推荐性措施，本部门暂不采纳"}
    if thrown < 14 and task["state"] in ("directed", "acknowledged"):
        return {"answer": "fail", "reason": "示例：业务系统维护，稍后重试"}
    if thrown < 20 and task["state"] == "directed":
        return {"answer": "acknowledge"}
    return {"answer": "apply", "note": "示例：已录入业务系统"}


def _undoing(task: Mapping[str, Any]) -> dict[str, str]:
    how = Undone.RESTORED if task["demand"] == Undoing.RESTORE else Undone.STOPPED
    return {"answer": "undo", "how": how.value, "evidence": f"示例解除文书 {task['task_id'][:8]}"}


def _confirming(task: Mapping[str, Any]) -> dict[str, str]:
    """The end came before any answer. Some had applied it all the same, report it now, and undo it in the next round."""
    if _dice(task, "late") < 30 and task["duty"] == Duty.OWED:
        return {"answer": "apply", "note": "示例：已于终止前实施，补报"}
    return {"answer": "undo", "how": Undone.NEVER_APPLIED.value, "evidence": "示例：经核查，未曾实施"}


def _dice(task: Mapping[str, Any], throw: str) -> int:
    """0 … 99, always the same for a task and a throw."""
    return zlib.crc32(f"{throw}:{task['task_id']}".encode()) % 100
