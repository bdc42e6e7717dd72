"""What is done with entries after their publication: a plan that is made once a run, and the requests that carry it out."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from liandong.demo.client import Client, repairer, system
from liandong.demo.run import Deed, Planned, Run
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import Cause

_AT_ONCE = 16

_SHARES = {
    ListKind.BLACK: (
        (Deed.REPAIR, 60),
        (Deed.REVOCATION, 30),
        (Deed.REFUSED_REPAIR, 5),
        (Deed.REJECTED_OBJECTION, 5),
        (Deed.UPHELD_OBJECTION, 5),
        (Deed.OPEN_OBJECTION, 5),
    ),
    ListKind.RED: ((Deed.NO_LONGER_QUALIFIES, 60), (Deed.WITHDRAWAL, 30)),
}
"""Of how many in a thousand entries of the list which deed is done; of each at least one."""
_CORRECTED_GRADE = "serious"
_CORRECTED_TO = "ordinary"
_CORRECTIONS = 3


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of this run, as far as a plan needs to know it."""

    entry_id: str
    department: str
    list_kind: ListKind
    grade: str


def plan(listed: Sequence[Listed]) -> list[Planned]:
    """Which deed is done with which entry; with none more than one."""
    wrong = [one for one in listed if one.grade == _CORRECTED_GRADE][:_CORRECTIONS]
    planned = [_planned(Deed.CORRECTION, one) for one in wrong]
    for list_kind, shares in _SHARES.items():
        free = [one for one in listed if one.list_kind is list_kind and one not in wrong]
        wanted = _mixed([(deed, max(1, share * len(free) // 1000)) for deed, share in shares])
        step = max(1, len(free) // len(wanted))
        planned += [_planned(deed, one) for deed, one in zip(wanted, free[::step], strict=False)]
    return planned


def _mixed(counts: Sequence[tuple[Deed, int]]) -> list[Deed]:
    """So many of each deed, spread evenly, so that each meets every domain."""
    placed = [((nth + 0.5) / count, deed) for deed, count in counts for nth in range(count)]
    return [deed for _, deed in sorted(placed)]


def _planned(deed: Deed, one: Listed) -> Planned:
    return Planned(deed=deed, entry_id=one.entry_id, department=one.department)


OBJECTIONS = (Deed.REJECTED_OBJECTION, Deed.UPHELD_OBJECTION, Deed.OPEN_OBJECTION)


class Doing:
    """Carries out a plan. Every request has a key of the run: what was done already is answered as before."""

    def __init__(self, client: Client, run: Run) -> None:
        self._client = client
        self._run = run
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def all(self, planned: Sequence[Planned], step: Callable[[Planned], Awaitable[Any]]) -> None:
        """One step for each of them, some at a time."""

        async def one(which: Planned) -> None:
            async with self._gate:
                await step(which)

        async with asyncio.TaskGroup() as group:
            for which in planned:
                group.create_task(one(which))

    async def object(self, one: Planned) -> str:
        """The listed subject objects; its department takes it in. The id of the case."""
        body = {"entry_id": one.entry_id, "reason": "示例：当事人认为列入有误，申请核实"}
        who = system(one.department)
        key = self._run.key("objection", one.entry_id)
        return str((await self._client.post(who, "/repair/v1/objections", body, key))["objection_id"])

    async def do(self, one: Planned) -> None:
        """The deed, or what concludes it."""
        match one.deed:
            case Deed.REPAIR | Deed.REFUSED_REPAIR:
                await self._repair(one)
            case Deed.REVOCATION:
                await self._post(one, "revocations", cause=Cause.ERROR, reason="示例：经查认定事实有误")
            case Deed.CORRECTION:
                changes = {"grade": _CORRECTED_TO}
                await self._post(one, "corrections", cause=Cause.ERROR, reason="示例：等级有误", changes=changes)
            case Deed.NO_LONGER_QUALIFIES:
                await self._end(one, Cause.NO_LONGER_QUALIFIES, "示例：不再符合红名单条件")
            case Deed.WITHDRAWAL:
                await self._end(one, Cause.WITHDRAWN, "示例：自愿退出红名单")
            case Deed.REJECTED_OBJECTION | Deed.UPHELD_OBJECTION:
                await self._conclude(one)
            case Deed.OPEN_OBJECTION:
                pass

    async def _repair(self, one: Planned) -> None:
        body = {
            "entry_id": one.entry_id,
            "reason": "示例：已履行义务，申请信用修复",
            "evidence": "示例：履行完毕证明",
        }
        key = self._run.key("repair", one.entry_id)
        case_id = (await self._client.post(system(one.department), "/repair/v1/repairs", body, key))["repair_id"]
        if one.deed is Deed.REPAIR:
            decision = {"reason": "示例：符合修复条件", "document_number": self._document("修复", one)}
            await self._decide(one, f"repairs/{case_id}/grant", decision)
        else:
            await self._decide(one, f"repairs/{case_id}/refuse", {"reason": "示例：义务尚未履行完毕"})

    async def _conclude(self, one: Planned) -> None:
        case_id = await self.object(one)  # the same request as before: it answers with the case that was opened then
        if one.deed is Deed.UPHELD_OBJECTION:
            decision = {"reason": "示例：异议成立，撤销认定", "document_number": self._document("异议", one)}
            await self._decide(one, f"objections/{case_id}/uphold", decision)
        else:
            await self._decide(one, f"objections/{case_id}/reject", {"reason": "示例：经核实，认定无误"})

    async def _post(self, one: Planned, what: str, **told: Any) -> None:
        body = {"entry_id": one.entry_id, "document_number": self._document("改", one), **told}
        await self._client.post(repairer(one.department), f"/repair/v1/{what}", body, self._run.key(what, one.entry_id))

    async def _end(self, one: Planned, cause: Cause, reason: str) -> None:
        body = {"entry_id": one.entry_id, "cause": cause, "reason": reason}
        key = self._run.key("endings", one.entry_id)
        await self._client.post(repairer(one.department), "/repair/v1/endings", body, key)

    async def _decide(self, one: Planned, path: str, body: dict[str, str]) -> None:
        key = self._run.key("decision", one.entry_id)
        await self._client.post(repairer(one.department), f"/repair/v1/{path}", body, key)

    def _document(self, mark: str, one: Planned) -> str:
        return f"示例{mark}〔{self._run.mark}〕{one.entry_id[:8]}号"
