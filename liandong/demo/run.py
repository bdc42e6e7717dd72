"""What a run remembers in its folder, so that it goes on where it was killed: `demo.json`.

It is written whole before each step whose outcome depends on it. Everything that a run sends carries an Idempotency-Key that
follows from the run's id: a step that was sent before the end of the process and is sent again does nothing twice.
"""

import os
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

FILE = "demo.json"


class Phase(StrEnum):
    """How far a run has come; each value names the work that is in hand."""

    LISTING = "listing"
    ANSWERING = "answering"
    ACTING = "acting"
    CLOSING = "closing"
    DONE = "done"


class Deed(StrEnum):
    """What is done with an entry after its publication."""

    REPAIR = "repair"
    REFUSED_REPAIR = "refused_repair"
    REVOCATION = "revocation"
    CORRECTION = "correction"
    NO_LONGER_QUALIFIES = "no_longer_qualifies"
    WITHDRAWAL = "withdrawal"
    REJECTED_OBJECTION = "rejected_objection"
    UPHELD_OBJECTION = "upheld_objection"
    OPEN_OBJECTION = "open_objection"


class Planned(BaseModel):
    """A deed, and the entry and the department that it concerns."""

    model_config = ConfigDict(frozen=True)

    deed: Deed
    entry_id: str
    department: str


class Before(BaseModel):
    """What the ledger held before the run."""

    model_config = ConfigDict(frozen=True)

    entries: int = 0
    lines: int = 0


class Run(BaseModel):
    """A run and all that it must not forget."""

    number: int
    id: str
    subjects: int
    first: int = Field(description="Index of the first invented subject: no earlier run of this folder had it")
    phase: Phase = Phase.LISTING
    today: date | None = Field(default=None, description="The day by the services' clock when the run began")
    before: Before = Before()
    imports: dict[str, str] = Field(default_factory=dict, description="Department to import")
    plan: list[Planned] = []
    rested: int = Field(default=0, description="Lines that were seen suspended")
    clock: datetime | None = Field(default=None, description="Whereto the clock was moved")
    were_overdue: int = 0
    interruptions: int = 0
    took: dict[str, float] = Field(default_factory=dict, description="Seconds a phase, the last one under way included")

    @property
    def mark(self) -> str:
        """What tells this run's documents from those of others."""
        return self.id[:6]

    def key(self, *parts: str) -> str:
        """An Idempotency-Key of this run."""
        return ":".join(("demo", self.id, *parts))


class RunFile:
    """The run of a folder: the one that was broken off, or a new one."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def read(self) -> Run | None:
        try:
            return Run.model_validate_json(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def begin(self, subjects: int, reserved: int) -> Run:
        """The run to work on. `reserved`: subjects that a run uses beside its good rows."""
        last = self.read()
        if last is not None and last.phase is not Phase.DONE:
            last.interruptions += 1
            self.save(last)
            return last
        first = 0 if last is None else last.first + last.subjects + reserved
        run = Run(number=1 if last is None else last.number + 1, id=uuid4().hex, subjects=subjects, first=first)
        self.save(run)
        return run

    def save(self, run: Run) -> None:
        """Whole or not at all, also when the power fails."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        with new.open("w", encoding="utf-8") as file:
            file.write(run.model_dump_json(indent=2))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
