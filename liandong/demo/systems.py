"""Simulates the systems of the departments: each polls its worklist over HTTP and answers it in bulk.

The answer follows from the task's id. Most tasks are applied; some are not applicable; some recommended ones are declined;
some fail or are acknowledged first; half of the invited ones (banks and others) stay unanswered. A few tasks are left open
until `answer_all`, so that they become overdue.
"""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from liandong.demo.client import PAGE, Client, system
from shared.contracts.execution import Undone
from shared.contracts.lawbook import (
    Duty,
    Force,
    Undoing,
)

_MIN_PAUSE_SECONDS = 0.2
_MAX_PAUSE_SECONDS = 3.0
_PARALLEL = 4
"""Maximum number of concurrent requests with answers, of all systems together."""


@dataclass
class DepartmentSystems:
    """The systems of all departments."""

    client: Client
    departments: list[str]
    answers_all: bool = False
    left_open: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict[str, frozenset[tuple[str, str]]])
    """By department: task id and entry id of each task that is not answered before `answer_all`."""
    _woken: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])
    _sending: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_PARALLEL))

    async def run(self) -> None:
        """Work until cancelled. Raises errors that a department's system cannot handle."""
        async with asyncio.TaskGroup() as group:
            for department in self.departments:
                group.create_task(self._work(department), name=f"system of {department}")

    def answer_all(self) -> None:
        """From now on, also answer the tasks that were left open."""
        self.answers_all = True
        self.wake()

    def wake(self) -> None:
        """Poll the worklists now."""
        for event in self._woken.values():
            event.set()

    def entries_left_open(self) -> set[str]:
        return {entry for tasks in self.left_open.values() for _, entry in tasks}

    def tasks_left_open(self) -> int:
        return sum(map(len, self.left_open.values()))

    async def _work(self, department: str) -> None:
        woken = self._woken.setdefault(department, asyncio.Event())
        pause = _MIN_PAUSE_SECONDS
        while True:
            answered = await self._round(department)
            pause = _MIN_PAUSE_SECONDS if answered else min(pause * 2, _MAX_PAUSE_SECONDS)
            try:
                async with asyncio.timeout(pause):
                    await woken.wait()
                pause = _MIN_PAUSE_SECONDS
            except TimeoutError:
                pass
            woken.clear()

    async def _round(self, department: str) -> int:
        """Process the worklist once; returns the number of accepted answers."""
        officer, accepted = system(department), 0
        answers: list[dict[str, str]] = []
        left_open: set[tuple[str, str]] = set()
        async for task in self.client.pages(officer, "/executor/v1/tasks", {"state": "open"}):
            if self._is_left_open(task):
                left_open.add((task["task_id"], task["entry_id"]))
            elif answer := answer_to(task):
                answers.append({"task_id": task["task_id"], **answer})
        for start in range(0, len(answers), PAGE):
            accepted += await self._answer(department, answers[start : start + PAGE])
        self.left_open[department] = frozenset(left_open)
        return accepted

    def _is_left_open(self, task: Mapping[str, Any]) -> bool:
        is_slow = _draw(task, "slow") < 1 and task["duty"] == Duty.OWED
        return is_slow and task["asks"] == "answer" and not self.answers_all

    async def _answer(self, department: str, answers: list[dict[str, str]]) -> int:
        async with self._sending:
            body = {"answers": answers}
            result = await self.client.post(system(department), "/executor/v1/tasks/answers", body, str(uuid4()))
        # A task may have ended or been suspended since it was read; the next round handles its new state.
        return int(result["accepted"])


def answer_to(task: Mapping[str, Any]) -> dict[str, str] | None:
    """A department's answer to an open task; None when it is only invited and does not take part."""
    match task["asks"]:
        case "undo":
            return _undoing(task)
        case "confirm":
            return _confirming(task)
        case _:
            return _answering(task)


def _answering(task: Mapping[str, Any]) -> dict[str, str] | None:
    if task["duty"] == Duty.INVITED and _draw(task, "invited") < 50:
        return None
    drawn = _draw(task, "answer")
    if drawn < 4:
        return {"answer": "not_applicable", "reason": "示例：该主体在本部门没有相关业务"}
    if drawn < 12 and task["force"] == Force.RECOMMENDED:
        return {"answer": "refuse", "reason": "示例：推荐性措施，本部门暂不采纳"}
    if drawn < 14 and task["state"] in ("directed", "acknowledged"):
        return {"answer": "fail", "reason": "示例：业务系统维护，稍后重试"}
    if drawn < 20 and task["state"] == "directed":
        return {"answer": "acknowledge"}
    return {"answer": "apply", "note": "示例：已录入业务系统"}


def _undoing(task: Mapping[str, Any]) -> dict[str, str]:
    how = Undone.RESTORED if task["demand"] == Undoing.RESTORE else Undone.STOPPED
    return {"answer": "undo", "how": how.value, "evidence": f"示例解除文书 {task['task_id'][:8]}"}


def _confirming(task: Mapping[str, Any]) -> dict[str, str]:
    """The entry ended before any answer. Some departments had applied the measure already: they report it now and undo it in
    the next round."""
    if _draw(task, "late") < 30 and task["duty"] == Duty.OWED:
        return {
            "answer": "apply",
            "note": "示例：已于终止前实施，补报",
            "done_at": task["directed_at"],
            "evidence": f"示例实施文书 {task['task_id'][:8]}",
        }
    return {"answer": "undo", "how": Undone.NEVER_APPLIED.value, "evidence": "示例：经核查，未曾实施"}


def _draw(task: Mapping[str, Any], purpose: str) -> int:
    """A number from 0 to 99, always the same for a task and a purpose."""
    return zlib.crc32(f"{purpose}:{task['task_id']}".encode()) % 100
