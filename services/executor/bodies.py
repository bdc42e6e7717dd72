"""What comes and goes over HTTP, and how it is made from rows and events."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from services.executor.domain.answers import LineAnswer, Saying
from services.executor.domain.events import Barred, CheckMade, Hit, ListName, Standing
from services.executor.domain.task import Asks, TaskState, asked, demanded_of
from services.executor.handlers import Sorted
from services.executor.views.checks import StoredCheck
from shared.calendar.working_days import SHANGHAI
from shared.contracts.event import LineId
from shared.contracts.execution import Undone
from shared.contracts.lawbook import Duty, Force, ListKind, MeasureKind, SubjectKind, Undoing, Works
from shared.contracts.response import EndMode
from shared.identity import Seal, Unsealable, kind_of
from shared.lawbook.book import LawBook
from shared.web.language import Language, language
from shared.web.problem import ProblemFault, problem_of
from shared.web.wording import Wording

LONGEST_TEXT = 2_000
MOST_ANSWERS = 1_000

Text = Field(default="", max_length=LONGEST_TEXT)


class Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


# --- tasks: what is sent ---------------------------------------------------------------------------------------------


class Told(Body):
    """What is said about a task; which fields are needed depends on what is said."""

    note: str = Text
    reason: str = Field(default="", max_length=LONGEST_TEXT, description="Of not applicable, refused, failed: required")
    how: Undone | None = Field(default=None, description="Of an undoing: required")
    evidence: str = Field(
        default="", max_length=LONGEST_TEXT, description="Of an undoing: required; a document number or reference"
    )
    done_at: AwareDatetime | None = Field(default=None, description="When it was done; now unless given")

    def about(self, task_id: str, saying: Saying) -> LineAnswer:
        return LineAnswer(
            line_id=LineId(task_id),
            saying=saying,
            note=self.note,
            reason=self.reason,
            how=self.how,
            evidence=self.evidence,
            done_at=self.done_at,
        )


class ToldInBulk(Told):
    task_id: str = Field(max_length=100)
    answer: Saying


class Answers(Body):
    """Answers about at most 1,000 tasks, one a task."""

    answers: list[ToldInBulk] = Field(min_length=1, max_length=MOST_ANSWERS)

    def given(self) -> list[LineAnswer]:
        return [told.about(told.task_id, told.answer) for told in self.answers]


# --- tasks: what is answered -----------------------------------------------------------------------------------------


class TaskNow(BaseModel):
    """How a task stands after an answer."""

    task_id: str
    state: TaskState
    asks: Asks


class RefusedAnswer(BaseModel):
    """An answer that does not stand, by its place in the request."""

    index: int
    task_id: str
    faults: list[ProblemFault]


class BulkResult(BaseModel):
    accepted: int
    refused: list[RefusedAnswer]


class SubjectShown(TypedDict):
    """Who is meant. Name and number of a natural person are shown in clear to the implementing department only."""

    key: str
    kind: SubjectKind
    name: str
    number: str | None


class End(TypedDict):
    mode: EndMode
    reason: str


class DirectionShown(TypedDict):
    """What all tasks of one direction have in common."""

    response_id: str
    entry_id: str
    department: str
    subject: SubjectShown
    entry_subject: Annotated[
        str, Field(description="The listed subject; another than the subject for a responsible person")
    ]
    list_kind: ListKind
    domain_id: str
    until: date | None


class TaskShown(DirectionShown):
    """A task of the worklist. A plain dictionary, because a page holds a thousand."""

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
        date | None, Field(description="The last day for what is asked; none when nothing is, or nothing is owed")
    ]
    end: End | None
    demand: Annotated[Undoing | None, Field(description="What the undoing has to be, when one is asked")]
    said: Annotated[str | None, Field(description="Note, reason or evidence of the last answer")]
    how: Undone | None
    done_at: datetime | None


class TaskPage(TypedDict):
    """A page of the worklist. A task directed meanwhile may stand before `next`: poll open tasks from the start."""

    items: list[TaskShown]
    next: str | None


def cursor(row: Any) -> str:
    return f"{row.direction}.{row.nth}"


def direction_shown(directed: Mapping[str, Any], seal: Seal | None) -> DirectionShown:
    """Of a direction as plain JSON. With a seal, what is sealed of a person is opened."""
    return {
        "response_id": directed["response_id"],
        "entry_id": directed["entry_id"],
        "department": directed["department"],
        "subject": _subject(directed["of"], seal),
        "entry_subject": directed["entry_subject"],
        "list_kind": directed["list_kind"],
        "domain_id": directed["domain_id"],
        "until": directed["until"],
    }


def task_shown(row: Any, line: Mapping[str, Any], direction: DirectionShown) -> TaskShown:
    """A row of the tasks, with its line of the direction as plain JSON."""
    state, mode = _STATES[row.state], _MODES[row.end_mode]
    asks = asked(state, ended=mode is not None, suspended=row.suspended)
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
        "due_on": None if asks is Asks.NOTHING else row.due_on,
        "end": End(mode=mode, reason=row.end_reason) if mode else None,
        "demand": _at_least_a_stop(line, mode) if mode and asks is Asks.UNDO else None,
        "said": row.said,
        "how": row.how,
        "done_at": row.done_at,
    }


_STATES = {state.value: state for state in TaskState}
_MODES: dict[str | None, EndMode | None] = {None: None, **{mode.value: mode for mode in EndMode}}


def _at_least_a_stop(line: Mapping[str, Any], mode: EndMode) -> Undoing:
    """What is owed is at least a stop: where nothing is to be undone, nothing is asked."""
    demand = demanded_of(Undoing(line["on_end"]), Undoing(line["on_error"]), mode)
    return Undoing.STOP if demand is Undoing.NOTHING else demand


def _subject(of: Mapping[str, Any], seal: Seal | None) -> SubjectShown:
    key, kind = of["key"], of["kind"]
    if kind != SubjectKind.PERSON:
        return {"key": key, "kind": kind, "name": of["name"], "number": key.partition(":")[2]}
    name, number = _opened(seal, of["sealed_name"]), _opened(seal, of["sealed_number"])
    return {"key": key, "kind": kind, "name": name or of["name"], "number": number}


def _opened(seal: Seal | None, sealed: str | None) -> str | None:
    """What was sealed, or None: without a seal, and when no key opens it any more."""
    if seal is None or sealed is None:
        return None
    try:
        return seal.open(sealed)
    except Unsealable:
        return None


def bulk_result(answers: Sequence[LineAnswer], done: Sorted, wording: Wording, instance: str) -> BulkResult:
    refused = [
        RefusedAnswer(
            index=place,
            task_id=answers[place].line_id,
            faults=problem_of(wording, faults, instance).faults,
        )
        for place, faults in done.refused.items()
    ]
    return BulkResult(accepted=done.accepted, refused=refused)


# --- checks ----------------------------------------------------------------------------------------------------------


class AskedSubject(Body):
    """The number stands here and nowhere else: not in a URL, not in a log."""

    scheme: str = Field(max_length=32)
    number: str = Field(max_length=64)


class Question(Body):
    """Asks what is due to a subject before it is granted, approved, bought from or inspected."""

    subject: AskedSubject
    matter: str = Field(min_length=1, max_length=200, description="The matter (事项), by its code in the catalogue")


class Outcome(Body):
    applied: bool = Field(description="Whether the measures that hit were applied on this occasion")
    note: str = Text


class OutcomeShown(BaseModel):
    applied: bool
    note: str
    recorded_at: datetime


class CheckedSubject(BaseModel):
    key: str
    kind: SubjectKind


class CheckShown(BaseModel):
    """The receipt of a check (查询回执)."""

    check_id: str
    receipt_number: str
    department: str
    asked_by: str
    asked_at: datetime
    subject: CheckedSubject
    matter: str
    hits: tuple[Hit, ...] = Field(description="What this department must or may do on this occasion")
    barred: tuple[Barred, ...] = Field(
        description="Punishments that were directed and whose basis is gone: not to be applied"
    )
    lists: tuple[Standing, ...] = Field(description="Entries that touch the subject, as far as this executor knows")
    covers: tuple[ListName, ...] = Field(description="The lists of which the absence of a record is said")
    as_of: datetime | None
    complete: bool
    lawbook_version: int
    meaning: str = Field(description="In words: what was found, in which lists, as of when")
    awaiting_outcome: bool
    outcome: OutcomeShown | None


class CheckPage(BaseModel):
    items: list[CheckShown]
    next: str | None


def check_shown(stored: StoredCheck, book: LawBook, wording: Wording) -> CheckShown:
    made, outcome = stored.made, stored.outcome
    return CheckShown(
        check_id=made.check_id,
        receipt_number=made.receipt_number,
        department=made.department,
        asked_by=stored.asked_by,
        asked_at=made.made_at,
        subject=CheckedSubject(key=made.subject, kind=kind_of(made.subject)),
        matter=made.matter,
        hits=made.hits,
        barred=made.barred,
        lists=made.lists,
        covers=made.covers,
        as_of=made.as_of,
        complete=made.complete,
        lawbook_version=made.lawbook_version,
        meaning=_meaning(made, book, wording),
        awaiting_outcome=bool(made.hits) and outcome is None,
        outcome=OutcomeShown(applied=outcome.applied, note=outcome.note, recorded_at=outcome.recorded_at)
        if outcome
        else None,
    )


def _meaning(made: CheckMade, book: LawBook, wording: Wording) -> str:
    spoken = language()
    facts: dict[str, object] = {
        "matter": made.matter,
        "as_of": made.as_of.astimezone(SHANGHAI).isoformat(timespec="minutes") if made.as_of else None,
        "lists": list(_list_names(made.covers, book, wording, spoken)) or None,
        "count": len(made.hits),
    }
    codes = [_found_code(made)] + ([] if made.complete else ["check.incomplete"])
    return " ".join(wording.term(code, facts, spoken) or code for code in codes)


def _found_code(made: CheckMade) -> Literal["check.hits", "check.no_measure", "check.no_record", "check.nothing_read"]:
    if made.hits:
        return "check.hits"
    if made.as_of is None:
        return "check.nothing_read"
    return "check.no_measure" if made.lists else "check.no_record"


def _list_names(covers: Iterable[ListName], book: LawBook, wording: Wording, spoken: Language) -> Iterable[str]:
    for one in covers:
        domain = book.domain(one.domain_id)
        kind = wording.term(f"ListKind.{one.list_kind.value}", {}, spoken) or one.list_kind.value
        if domain is None:
            yield f"{one.domain_id} {kind}"
        else:
            yield f"{domain.name_zh}{kind}" if spoken is Language.ZH else f"{domain.name_en} {kind}"
