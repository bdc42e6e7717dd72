"""Bodies of tasks and their answers."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, Field
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from services.executor.api.bodies import LONGEST_TEXT, NOTE, Body
from services.executor.domain.answers import AnswerKind, LineAnswer
from services.executor.domain.task import Asks, TaskState, asks_in_state
from services.executor.handlers import BulkOutcome
from shared.calendar.working_days import WorkingDay, add_working_days, unknown_years
from shared.contracts.event import LineId
from shared.contracts.execution import Undone, WithoutBasis
from shared.contracts.lawbook import (
    Duty,
    Force,
    ListKind,
    MeasureKind,
    SubjectKind,
    Undoing,
    Works,
)
from shared.contracts.response import EndMode
from shared.contracts.undoing import demand_for, stronger, undo_within
from shared.identity import Seal, Unsealable, key_to_show
from shared.web.problem import ProblemFault, problem_of
from shared.web.subjects import ShownKey
from shared.web.wording import Wording

MOST_ANSWERS = 1_000

# --- requests --------------------------------------------------------------------------------------------------------


class AnswerBody(Body):
    """An answer to a task. The kind of the answer decides which fields are required."""

    note: str = NOTE
    reason: str = Field(default="", max_length=LONGEST_TEXT, description="Required for not applicable, refuse and fail")
    how: Undone | None = Field(default=None, description="Required for undo")
    evidence: str = Field(
        default="",
        max_length=LONGEST_TEXT,
        description="A document number or reference. Required for undo, and to report what could not be applied any more",
    )
    done_at: AwareDatetime | None = Field(
        default=None,
        description="When it was done; without it: now. What is barred now is not applied now, but an effect that exists is "
        "always recorded, with this time and evidence",
    )

    def line_answer(self, task_id: str, kind: AnswerKind) -> LineAnswer:
        return LineAnswer(
            line_id=LineId(task_id),
            kind=kind,
            note=self.note,
            reason=self.reason,
            how=self.how,
            evidence=self.evidence,
            done_at=self.done_at,
        )


class BulkAnswerBody(AnswerBody):
    """One of many answers, with its task and its kind."""

    task_id: str = Field(max_length=100)
    answer: AnswerKind


class BulkAnswersBody(Body):
    """Answers to at most 1,000 tasks, one for each task."""

    answers: list[BulkAnswerBody] = Field(min_length=1, max_length=MOST_ANSWERS)

    def line_answers(self) -> list[LineAnswer]:
        return [body.line_answer(body.task_id, body.answer) for body in self.answers]


# --- responses -------------------------------------------------------------------------------------------------------


class TaskAfterAnswer(BaseModel):
    """The state of a task after an answer."""

    task_id: str
    state: TaskState
    asks: Asks
    without_basis: WithoutBasis | None = Field(
        description="Why the effect that is in force has no basis; it is to be undone at once"
    )


class RefusedAnswer(BaseModel):
    """An answer that was not accepted, by its index in the request."""

    index: int
    task_id: str
    faults: list[ProblemFault]


class BulkResult(BaseModel):
    """How many answers were accepted, and those that were not."""

    accepted: int
    refused: list[RefusedAnswer]


class TaskSubject(TypedDict):
    """The subject. Name and number of a natural person are shown in clear to the implementing department only."""

    key: ShownKey
    kind: SubjectKind
    name: str
    number: str | None


class End(TypedDict):
    """That the end of the line was ordered."""

    mode: EndMode
    reason: str


class DirectionPart(TypedDict):
    """The fields that all tasks of one direction share."""

    response_id: str
    entry_id: str
    department: str
    subject: TaskSubject
    entry_subject: Annotated[
        ShownKey, Field(description="The listed subject; differs from `subject` for a responsible person")
    ]
    list_kind: ListKind
    domain_id: str
    directed_at: datetime
    until: date | None


class TaskBody(DirectionPart):
    """A task of the worklist. A plain dictionary for speed: a page holds a thousand."""

    task_id: str
    measure_id: str
    text_zh: str
    kind: MeasureKind
    works: Works
    duty: Duty
    force: Force
    matters: tuple[str, ...]
    instrument_id: str
    basis: str
    state: TaskState
    suspended: bool
    asks: Asks
    due_on: Annotated[
        date | None,
        Field(description="The last day for what is asked; null when nothing is asked or the duty is invited"),
    ]
    due_on_certain: Annotated[
        bool | None,
        Field(description="False: the holidays of a year on the way are not announced, so nobody is late by this day"),
    ]
    without_basis: Annotated[
        WithoutBasis | None, Field(description="Why the effect that is in force has no basis; to be undone at once")
    ]
    end: End | None
    demand: Annotated[Undoing | None, Field(description="The least that the undoing must achieve, when one is asked")]
    said: Annotated[str | None, Field(description="Note, reason or evidence of the last answer")]
    how: Undone | None
    done_at: datetime | None


def direction_part(directed: Mapping[str, Any], seal: Seal | None) -> DirectionPart:
    """The shared fields, from a direction as plain JSON. With a seal, name and number of a person are decrypted."""
    return {
        "response_id": directed["response_id"],
        "entry_id": directed["entry_id"],
        "department": directed["department"],
        "subject": _subject(directed["of"], seal),
        "entry_subject": key_to_show(directed["entry_subject"]),
        "list_kind": directed["list_kind"],
        "domain_id": directed["domain_id"],
        "directed_at": directed["directed_at"],
        "until": directed["until"],
    }


def task_body(row: Any, line: Mapping[str, Any], direction: DirectionPart) -> TaskBody:
    """The body of a task. `row`: of the table `tasks`; `line`: its line in the direction, as plain JSON."""
    state, mode = _STATES[row.state], _MODES[row.end_mode]
    without_basis = row.without_basis is not None
    asks = asks_in_state(state, ended=mode is not None, suspended=row.suspended, without_basis=without_basis)
    due = _due(row, line, asks)
    return {
        "task_id": row.task_id,
        **direction,
        "measure_id": line["measure_id"],
        "text_zh": line["text_zh"],
        "kind": line["kind"],
        "works": line["works"],
        "duty": line["duty"],
        "force": line["force"],
        "matters": line["matters"],
        "instrument_id": line["instrument_id"],
        "basis": line["basis"],
        "state": state,
        "suspended": row.suspended,
        "asks": asks,
        "due_on": due.date if due else None,
        "due_on_certain": due.certain if due else None,
        "without_basis": row.without_basis,
        "end": End(mode=mode, reason=row.end_reason) if mode else None,
        "demand": _least_undoing(line, mode, without_basis=without_basis) if asks is Asks.UNDO else None,
        "said": row.said,
        "how": row.how,
        "done_at": row.done_at,
    }


_STATES = {state.value: state for state in TaskState}
_MODES: dict[str | None, EndMode | None] = {None: None, **{mode.value: mode for mode in EndMode}}


def _due(row: Any, line: Mapping[str, Any], asks: Asks) -> WorkingDay | None:
    """The last day for what is asked, by the calendar that is known now."""
    if asks is Asks.NOTHING or line["duty"] == Duty.INVITED:
        return None
    if row.due_from is None:  # written by an instance of the version before
        return row.due_on and WorkingDay(row.due_on, certain=not unknown_years(row.due_on, row.due_on))
    if asks is Asks.ANSWER:
        return add_working_days(row.due_from, line["answer_within_days"])
    days = undo_within(line["undo_within_days"], without_basis=row.without_basis is not None)
    return add_working_days(row.due_from, days)


def _least_undoing(line: Mapping[str, Any], mode: EndMode | None, *, without_basis: bool) -> Undoing:
    """The least that the undoing must achieve: at least a stop, because a task that owes nothing asks for no undoing."""
    on_end, on_error = Undoing(line["on_end"]), Undoing(line["on_error"])
    demand = demand_for(on_end, on_error, mode or EndMode.FROM_BEGINNING)
    return stronger(stronger(demand, on_error) if without_basis else demand, Undoing.STOP)


def _subject(of: Mapping[str, Any], seal: Seal | None) -> TaskSubject:
    key, kind = of["key"], of["kind"]
    if kind != SubjectKind.PERSON:
        return {"key": key, "kind": kind, "name": of["name"], "number": key.partition(":")[2]}
    name, number = _decrypted(seal, of["sealed_name"]), _decrypted(seal, of["sealed_number"])
    return {"key": None, "kind": kind, "name": name or of["name"], "number": number}


def _decrypted(seal: Seal | None, sealed: str | None) -> str | None:
    """The clear text; None without a seal, and when no key decrypts it any more."""
    if seal is None or sealed is None:
        return None
    try:
        return seal.open(sealed)
    except Unsealable:
        return None


def bulk_result(answers: Sequence[LineAnswer], outcome: BulkOutcome, wording: Wording, instance: str) -> BulkResult:
    """`instance`: the path of the request, for the problem texts."""
    refused = [
        RefusedAnswer(
            index=index,
            task_id=answers[index].line_id,
            faults=problem_of(wording, faults, instance).faults,
        )
        for index, faults in outcome.refused.items()
    ]
    return BulkResult(accepted=outcome.accepted, refused=refused)
