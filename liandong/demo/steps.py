"""The steps after publication: a plan that is made once per run, and the requests that carry it out."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from liandong.demo.client import Client, approver, repairer, system
from liandong.demo.run import PlannedStep, Run, Step
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import Cause

_PARALLEL = 16

_SHARES = {
    ListKind.BLACK: (
        (Step.REPAIR, 60),
        (Step.REVOCATION, 30),
        (Step.REFUSED_REPAIR, 5),
        (Step.REJECTED_OBJECTION, 5),
        (Step.UPHELD_OBJECTION, 5),
        (Step.OPEN_OBJECTION, 5),
    ),
    ListKind.RED: ((Step.NO_LONGER_QUALIFIES, 60), (Step.WITHDRAWAL, 30)),
}
"""The number of entries per thousand of a list that get each step; at least one entry gets each."""
_CORRECTED_GRADE = "serious"
_CORRECTED_TO = "ordinary"
_CORRECTIONS = 3


@dataclass(frozen=True, slots=True)
class Listed:
    """The fields of an entry of this run that a plan needs."""

    entry_id: str
    department: str
    list_kind: ListKind
    grade: str


def plan(listed: Sequence[Listed]) -> list[PlannedStep]:
    """Which step is done with which entry; at most one per entry."""
    wrong = [entry for entry in listed if entry.grade == _CORRECTED_GRADE][:_CORRECTIONS]
    planned = [_planned(Step.CORRECTION, entry) for entry in wrong]
    for list_kind, shares in _SHARES.items():
        free = [entry for entry in listed if entry.list_kind is list_kind and entry not in wrong]
        wanted = _mixed([(step, max(1, share * len(free) // 1000)) for step, share in shares])
        stride = max(1, len(free) // len(wanted))
        planned += [_planned(step, entry) for step, entry in zip(wanted, free[::stride], strict=False)]
    return planned


def _mixed(counts: Sequence[tuple[Step, int]]) -> list[Step]:
    """Each step in its number, spread evenly, so that every step is done in every domain."""
    placed = [((nth + 0.5) / count, step) for step, count in counts for nth in range(count)]
    return [step for _, step in sorted(placed)]


def _planned(step: Step, entry: Listed) -> PlannedStep:
    return PlannedStep(step=step, entry_id=entry.entry_id, department=entry.department)


OBJECTIONS = (Step.REJECTED_OBJECTION, Step.UPHELD_OBJECTION, Step.OPEN_OBJECTION)


class StepRunner:
    """Carries out a plan. Every request has an Idempotency-Key of the run: a repeated request has no second effect."""

    def __init__(self, client: Client, run: Run) -> None:
        self._client = client
        self._run = run
        self._gate = asyncio.Semaphore(_PARALLEL)

    async def for_each(self, planned: Sequence[PlannedStep], do: Callable[[PlannedStep], Awaitable[Any]]) -> None:
        """Call `do` for each planned step, a few at the same time."""

        async def limited(one: PlannedStep) -> None:
            async with self._gate:
                await do(one)

        async with asyncio.TaskGroup() as group:
            for one in planned:
                group.create_task(limited(one))

    async def object(self, planned: PlannedStep) -> str:
        """The listed subject objects; its department opens the case and begins to verify it. Returns the id of the case."""
        body = {"entry_id": planned.entry_id, "reason": "示例：当事人认为列入有误，申请核实"}
        officer = system(planned.department)
        key = self._run.key("objection", planned.entry_id)
        case_id = str((await self._client.post(officer, "/repair/v1/objections", body, key))["objection_id"])
        path, key = f"/repair/v1/objections/{case_id}/verify", self._run.key("verification", planned.entry_id)
        await self._client.post(repairer(planned.department), path, {}, key)
        return case_id

    async def run(self, planned: PlannedStep) -> None:
        """Do the step; for an objection: decide the case."""
        match planned.step:
            case Step.REPAIR | Step.REFUSED_REPAIR:
                await self._repair(planned)
            case Step.REVOCATION:
                await self._post(planned, "revocations", cause=Cause.ERROR, reason="示例：经查认定事实有误")
            case Step.CORRECTION:
                changes = {"grade": _CORRECTED_TO, "public": False}  # a lesser grade is not public
                await self._post(planned, "corrections", cause=Cause.ERROR, reason="示例：等级有误", changes=changes)
            case Step.NO_LONGER_QUALIFIES:
                await self._end(planned, Cause.NO_LONGER_QUALIFIES, "示例：不再符合红名单条件")
            case Step.WITHDRAWAL:
                await self._end(planned, Cause.WITHDRAWN, "示例：自愿退出红名单")
            case Step.REJECTED_OBJECTION | Step.UPHELD_OBJECTION:
                await self._decide_objection(planned)
            case Step.OPEN_OBJECTION:
                pass

    async def _repair(self, planned: PlannedStep) -> None:
        body = {
            "entry_id": planned.entry_id,
            "reason": "示例：已履行义务，申请信用修复",
            "evidence": "示例：履行完毕证明",
        }
        key = self._run.key("repair", planned.entry_id)
        case = await self._client.post(system(planned.department), "/repair/v1/repairs", body, key)
        case_id = case["repair_id"]
        if planned.step is Step.REPAIR:
            decision = {"reason": "示例：符合修复条件", "document_number": self._document("修复", planned)}
            await self._decide(planned, f"repairs/{case_id}/grant", decision)
        else:
            await self._decide(planned, f"repairs/{case_id}/refuse", {"reason": "示例：义务尚未履行完毕"})

    async def _decide_objection(self, planned: PlannedStep) -> None:
        case_id = await self.object(planned)  # a repeated request: it returns the case that was opened before
        if planned.step is Step.UPHELD_OBJECTION:
            decision = {"reason": "示例：异议成立，撤销认定", "document_number": self._document("异议", planned)}
            await self._decide(planned, f"objections/{case_id}/uphold", decision)
        else:
            await self._decide(planned, f"objections/{case_id}/reject", {"reason": "示例：经核实，认定无误"})

    async def _post(self, planned: PlannedStep, path: str, **fields: Any) -> None:
        body = {"entry_id": planned.entry_id, "document_number": self._document("改", planned), **fields}
        await self._decide(planned, path, body)

    async def _end(self, planned: PlannedStep, cause: Cause, reason: str) -> None:
        body = {"entry_id": planned.entry_id, "cause": cause, "reason": reason}
        await self._decide(planned, "endings", body)

    async def _decide(self, planned: PlannedStep, path: str, body: dict[str, Any]) -> None:
        """One officer decides, and another one of the same department confirms (four eyes)."""
        key = self._run.key("decision", planned.entry_id)
        decided = await self._client.post(repairer(planned.department), f"/repair/v1/{path}", body, key)
        if (decision_id := decided.get("decision_id")) is not None:
            path, key = f"/repair/v1/decisions/{decision_id}/confirm", self._run.key("confirmation", planned.entry_id)
            await self._client.post(approver(planned.department), path, {}, key)

    def _document(self, mark: str, planned: PlannedStep) -> str:
        return f"示例{mark}〔{self._run.mark}〕{planned.entry_id[:8]}号"
