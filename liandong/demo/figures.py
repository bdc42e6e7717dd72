"""The figures of a run, all read from the services: states of entries from repair, states of lines from executor, quarantined
rows from initiator, delays from feedback. None is taken from the requests that the demo sent."""

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from liandong.demo.client import CREDIT_OFFICE, Client
from liandong.demo.ledger import Ledger, ledger
from liandong.demo.run import Run
from shared.contracts.lawbook import Duty

_IN_EFFECT = ("armed", "applied")
_ANSWERS = ("not_applicable", "refused")
_ON_LIST = ("listed", "suspended")
LANGUAGES = ("zh", "en")


@dataclass
class LinesOf:
    """Counts of the lines of one department."""

    directed: int = 0
    applied: int = 0
    """Lines that were armed or applied at some time."""
    not_applicable: int = 0
    refused: int = 0
    undone: int = 0
    never_applied: int = 0
    waiting: int = 0
    """Owed and unanswered."""
    not_participating: int = 0
    """Invited and unanswered."""
    in_effect: int = 0

    def add(self, task: dict[str, Any]) -> None:
        state, how = task["state"], task["how"]
        was_applied = state in _IN_EFFECT or (state == "undone" and how != "never_applied")
        self.directed += 1
        self.applied += was_applied
        self.not_applicable += state == "not_applicable"
        self.refused += state == "refused"
        self.undone += state == "undone" and was_applied
        self.never_applied += state == "undone" and not was_applied
        is_open = state not in (*_IN_EFFECT, *_ANSWERS, "undone")
        self.waiting += is_open and task["duty"] == Duty.OWED
        self.not_participating += is_open and task["duty"] == Duty.INVITED
        self.in_effect += state in _IN_EFFECT

    def plus(self, other: "LinesOf") -> "LinesOf":
        return LinesOf(**{name: value + getattr(other, name) for name, value in vars(self).items()})


@dataclass
class Reject:
    """A row that was quarantined."""

    file: str
    line: int
    fields: list[str]
    codes: list[str]
    reasons: dict[str, list[str]]
    """By language."""


@dataclass
class InForce:
    """Entries and lines that are in force for the same reason."""

    entries: set[str] = field(default_factory=set[str])
    lines: int = 0


@dataclass(frozen=True)
class Figures:
    """All figures of the summary."""

    domains: dict[str, str]
    departments: dict[str, str]
    entries: dict[tuple[str, str], Counter[str]]
    """By list and domain: number of entries by status."""
    lines: dict[str, LinesOf]
    responses: int
    rejects: list[Reject]
    in_force: dict[str, InForce]
    """By the reason, a code of the wording."""
    ledger: Ledger

    @property
    def listed(self) -> int:
        return sum(sum(counted.values()) for counted in self.entries.values())

    @property
    def left(self) -> int:
        """Entries of this run that left their list."""
        return sum(n for c in self.entries.values() for status, n in c.items() if status not in _ON_LIST)

    @property
    def all_lines(self) -> LinesOf:
        total = LinesOf()
        for lines in self.lines.values():
            total = total.plus(lines)
        return total


async def figures(client: Client, run: Run, entries: dict[str, dict[str, Any]]) -> Figures:
    """Read the current figures; `entries` are those of the run, as listed by the initiator."""
    counted = await ledger(client)
    by_id = await _entries_at_repair(client, entries)
    tasks = [
        task
        for one in counted.by_department
        async for task in client.pages(
            CREDIT_OFFICE, "/executor/v1/tasks", {"state": "all", "department": one["department"]}
        )
        if task["entry_id"] in entries
    ]
    lines: dict[str, LinesOf] = {}
    for task in tasks:
        lines.setdefault(task["department"], LinesOf()).add(task)
    by_list: dict[tuple[str, str], Counter[str]] = {}
    for one in by_id.values():
        by_list.setdefault((one["list_kind"], one["domain_id"]), Counter())[one["status"]] += 1
    return Figures(
        domains=await _names(client, "domains", "domain_id"),
        departments=await _names(client, "departments", "department_id"),
        entries=dict(sorted(by_list.items())),
        lines=dict(sorted(lines.items())),
        responses=len({task["response_id"] for task in tasks}),
        rejects=await _rejects(client, run),
        in_force=_in_force(by_id, tasks),
        ledger=counted,
    )


async def _entries_at_repair(client: Client, entries: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        one["entry_id"]: one
        async for one in client.pages(CREDIT_OFFICE, "/repair/v1/entries")
        if one["entry_id"] in entries
    }


async def _names(client: Client, kind: str, identity: str) -> dict[str, str]:
    found = client.pages(CREDIT_OFFICE, f"/catalogue/v1/{kind}")
    return {one[identity]: f"{_short(one['name_zh'])} / {_short(one['name_en'])}" async for one in found}


def _short(name: str) -> str:
    """The name without an explanation in brackets."""
    return re.split("[（(]", name)[0].strip()


def _in_force(entries: dict[str, dict[str, Any]], tasks: list[dict[str, Any]]) -> dict[str, InForce]:
    found: dict[str, InForce] = {}
    for entry_id, entry in entries.items():
        if entry["status"] in _ON_LIST:
            found.setdefault(_reason(entry), InForce()).entries.add(entry_id)
    for task in tasks:
        if task["state"] in _IN_EFFECT:
            in_force = found.setdefault(_reason(entries[task["entry_id"]]), InForce())
            in_force.entries.add(task["entry_id"])
            in_force.lines += 1
    return found


def _reason(entry: dict[str, Any]) -> str:
    """Why a measure of the entry may be in force; `left_over` when it may not."""
    match entry["status"]:
        case "listed":
            return "in_force_until" if entry["term_to"] else "in_force_without_end"
        case "suspended":
            return "in_force_objected"
        case _:
            return "left_over"


async def _rejects(client: Client, run: Run) -> list[Reject]:
    """One reject per row, with all faults of the row."""
    rejects: list[Reject] = []
    for import_id in run.imports.values():
        path = f"/initiator/v1/imports/{import_id}"
        name = (await client.get(CREDIT_OFFICE, path))["file_name"]
        rows: dict[int, Reject] = {}
        for language in LANGUAGES:
            text = await client.text(CREDIT_OFFICE, f"{path}/rejects.csv", language)
            for fault in csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")):
                row = rows.setdefault(int(fault["line"]), Reject(name, int(fault["line"]), [], [], {}))
                row.reasons.setdefault(language, []).append(fault["reason"])
                if language == LANGUAGES[0]:
                    row.fields.append(fault["field"])
                    row.codes.append(fault["code"])
        rejects += rows.values()
    return rejects
