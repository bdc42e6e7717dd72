"""Bodies of the conflict radar (row N8)."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from services.feedback.api.bodies import UNCERTAIN, is_overdue
from shared.contracts.event import DepartmentId, EntryId, LineId, MeasureId, ResponseId
from shared.contracts.execution import WithoutBasis
from shared.contracts.lawbook import ListKind
from shared.web.language import language
from shared.web.subjects import ShownKey
from shared.web.wording import Wording


class ConflictBody(BaseModel):
    """A measure that was applied without a basis and is not undone (004 四(三))."""

    conflict: Literal["applied_without_basis"]
    why: WithoutBasis
    says: str
    line_id: LineId
    entry_id: EntryId
    response_id: ResponseId | None
    department: DepartmentId | None
    subject: ShownKey
    entry_subject_name: str
    list_kind: ListKind | None
    jurisdiction: str | None
    measure_id: MeasureId | None
    text_zh: str | None
    applied_at: datetime | None
    told_at: datetime | None = Field(description="When the department reported it")
    due_on: date | None = Field(description="The last day to undo it (Asia/Shanghai); null for invited bodies")
    due_on_certain: bool | None = Field(description=UNCERTAIN)
    overdue: bool


def conflict_body(row: Any, day: date, wording: Wording) -> ConflictBody:
    """The body of a row of `views/conflicts.py`. `day`: today (Asia/Shanghai)."""
    fields = {name: getattr(row, name) for name in ConflictBody.model_fields if hasattr(row, name)}
    return ConflictBody.model_validate(
        {
            **fields,
            "conflict": "applied_without_basis",
            "why": row.without_basis,
            "says": wording.term(f"WithoutBasis.{row.without_basis}", {}, language()) or row.without_basis,
            "entry_subject_name": row.subject_name,
            "told_at": row.effect_told_at,
            "due_on_certain": row.due_certain if row.due_on else None,
            "overdue": is_overdue(row.due_on, day, certain=row.due_certain),
        }
    )
