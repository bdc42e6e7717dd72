"""Bodies of obligations."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from services.feedback.api.bodies import UNCERTAIN, is_overdue
from services.feedback.domain.states import OWES_IN, LineState, Owes
from shared.contracts.event import DepartmentId, EntryId, LineId, MeasureId, ResponseId
from shared.contracts.execution import WithoutBasis
from shared.contracts.lawbook import (
    ListKind,
    MeasureKind,
)
from shared.contracts.response import EndMode
from shared.web.subjects import ShownKey


class ObligationBody(BaseModel):
    """What one department owes about one line."""

    line_id: LineId
    entry_id: EntryId
    response_id: ResponseId | None
    department: DepartmentId | None
    subject: ShownKey
    entry_subject_name: str
    list_kind: ListKind | None
    measure_id: MeasureId | None
    text_zh: str | None
    kind: MeasureKind | None
    owed: bool = Field(description="False: an invited body; it has no duty and is never overdue")
    state: LineState
    owes: Owes
    suspended: bool
    directed_at: datetime | None
    end_mode: EndMode | None
    due_on: date | None = Field(description="The last day (Asia/Shanghai); null while suspended and for invited bodies")
    due_on_certain: bool | None = Field(description=UNCERTAIN)
    overdue: bool
    without_basis: WithoutBasis | None = Field(description="Why the last reported effect had no basis")


def obligation_body(row: Any, day: date) -> ObligationBody:
    """The body of a row of `views/obligations.py`. `day`: today (Asia/Shanghai)."""
    fields = {name: getattr(row, name) for name in ObligationBody.model_fields if hasattr(row, name)}
    return ObligationBody.model_validate(
        {
            **fields,
            "entry_subject_name": row.subject_name,
            "owes": OWES_IN.get(LineState(row.state), Owes.NOTHING),
            "due_on_certain": row.due_certain if row.due_on else None,
            "overdue": is_overdue(row.due_on, day, certain=row.due_certain),
        }
    )
