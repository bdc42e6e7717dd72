"""Bodies of counts."""

from datetime import date

from pydantic import BaseModel, Field

from services.feedback.domain.entry import EntryState
from shared.contracts.event import DepartmentId
from shared.contracts.lawbook import ListKind


class EntryCount(BaseModel):
    """How many entries of a list are in a state."""

    list_kind: ListKind | None = Field(description="Null: the publication of the entry is not read yet")
    state: EntryState
    entries: int


class DepartmentCount(BaseModel):
    """Lines of one department. `answered`, `applied` and `undone` count all lines that ever were so; the others count the current
    state."""

    department: DepartmentId
    directed: int
    answered: int
    failed: int = Field(description="Tried and failed: still to be done")
    applied: int = Field(description="Without those that had no basis")
    without_basis: int = Field(description="Applied without a basis, undone or not (004 四(三))")
    undone: int
    suspended: int
    waiting: int
    undoing: int
    closed: int
    overdue: int
    uncertain: int = Field(description="Their last day seems over, but is not certain, so they are not overdue")
    answered_late: int
    undone_late: int


class StatisticsBody(BaseModel):
    """Counts over the ledger."""

    on: date = Field(description="The day by which `overdue` is counted (Asia/Shanghai)")
    entries: list[EntryCount]
    departments: list[DepartmentCount]
