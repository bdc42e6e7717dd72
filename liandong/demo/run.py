"""The saved state of a run, in its data folder: `demo.json`. An interrupted run continues from it.

The whole file is written before each step whose outcome depends on it. Every request of a run has an Idempotency-Key derived
from the run's id, so a request that is repeated after an interruption has no second effect.
"""

import os
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

FILE = "demo.json"


class Phase(StrEnum):
    """The current phase of a run."""

    LISTING = "listing"
    ANSWERING = "answering"
    ACTING = "acting"
    CLOSING = "closing"
    DONE = "done"


class Step(StrEnum):
    """A step that is done with an entry after its publication."""

    REPAIR = "repair"
    REFUSED_REPAIR = "refused_repair"
    REVOCATION = "revocation"
    CORRECTION = "correction"
    NO_LONGER_QUALIFIES = "no_longer_qualifies"
    WITHDRAWAL = "withdrawal"
    REJECTED_OBJECTION = "rejected_objection"
    UPHELD_OBJECTION = "upheld_objection"
    OPEN_OBJECTION = "open_objection"


class PlannedStep(BaseModel):
    """A step, with its entry and department. In the file the step's key is `deed`."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, serialize_by_alias=True)

    step: Step = Field(validation_alias="deed", serialization_alias="deed")
    entry_id: str
    department: str


class Before(BaseModel):
    """The counts of the ledger before the run."""

    model_config = ConfigDict(frozen=True)

    entries: int = 0
    lines: int = 0


class Run(BaseModel):
    """A run and its saved state."""

    number: int
    id: str
    subjects: int
    first: int = Field(description="Index of the first invented subject; no earlier run of this folder used it")
    phase: Phase = Phase.LISTING
    today: date | None = Field(default=None, description="The date of the services' clock at the start of the run")
    before: Before = Before()
    imports: dict[str, str] = Field(default_factory=dict, description="Import id by department")
    plan: list[PlannedStep] = []
    rested: int = Field(default=0, description="Highest number of suspended lines")
    clock: datetime | None = Field(default=None, description="The instant to which the clocks were moved")
    were_overdue: int = 0
    interruptions: int = 0
    took: dict[str, float] = Field(default_factory=dict, description="Seconds per phase, the current one included")

    @property
    def mark(self) -> str:
        """Part of the document numbers of this run; distinguishes them from those of other runs."""
        return self.id[:6]

    def key(self, *parts: str) -> str:
        """An Idempotency-Key of this run."""
        return ":".join(("demo", self.id, *parts))


class RunFile:
    """The file with the run of a folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def read(self) -> Run | None:
        try:
            return Run.model_validate_json(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def begin(self, subjects: int, reserved: int) -> Run:
        """The interrupted run, or a new one. `reserved`: number of subjects that a run uses besides its good rows."""
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
        """Write the file atomically; it survives a power failure."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        with new.open("w", encoding="utf-8") as file:
            file.write(run.model_dump_json(indent=2))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
