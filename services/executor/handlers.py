"""The commands of the executor: answers of departments, one or a thousand, and checks with their outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils import uuid7

from services.executor.domain import check, finding, response
from services.executor.domain.answers import LineAnswer
from services.executor.domain.check import Check, Make, RecordOutcome, receipt_number
from services.executor.domain.events import CheckMade
from services.executor.domain.finding import KnownLine
from services.executor.domain.response import Report, Response
from services.executor.domain.task import Task, TaskState
from services.executor.views import directions, knowledge, tasks
from shared.calendar.working_days import today
from shared.contracts.event import DepartmentId, LineId, SubjectKey
from shared.decider import Decider
from shared.eventstore import Session
from shared.eventstore.partitions import partition_of
from shared.identity.personal_numbers import personal_number_faults
from shared.rejection import Fault, Rejected, reject, reject_all
from shared.runtime.core import Core

RESPONSES: Decider[Response | None, response.Command] = Decider(
    "response", response.INITIAL, response.decide, response.evolve
)
CHECKS: Decider[Check | None, check.Command] = Decider("check", check.INITIAL, check.decide, check.evolve)


async def answer_task(core: Core, session: Session, department: DepartmentId, answer: LineAnswer) -> Task:
    """The task as it stands after the answer. Raises Rejected with all faults of the answer."""
    if faults := _indiscreet(answer):
        raise Rejected(*faults)
    async with core.store.reading.connect() as connection:
        found = await tasks.responses_of(connection, department, [answer.line_id])
    response_id = found.get(answer.line_id)
    if response_id is None:
        raise reject("unknown_id", "task_id")
    await session.do(RESPONSES, response_id, Report((answer,), await core.lawbook.current()))
    after = await session.state(RESPONSES, response_id)
    assert after is not None
    return after.tasks[answer.line_id]


@dataclass(frozen=True, slots=True)
class Sorted:
    """What became of answers in bulk: how many stand, and the faults of the others by their place."""

    accepted: int
    refused: Mapping[int, tuple[Fault, ...]]


async def answer_tasks(core: Core, session: Session, department: DepartmentId, answers: Sequence[LineAnswer]) -> Sorted:
    """Answer many tasks in one unit of work: two queries whatever their number, and one append. Good answers stand."""
    async with core.store.reading.connect() as connection:
        found = await tasks.responses_of(connection, department, {answer.line_id for answer in answers})
    refused: dict[int, tuple[Fault, ...]] = {}
    grouped: dict[str, list[int]] = {}
    for place, answer in enumerate(answers):
        response_id = found.get(answer.line_id)
        if response_id is None:
            refused[place] = (Fault("unknown_id", "task_id"),)
        elif faults := _indiscreet(answer):
            refused[place] = faults
        else:
            grouped.setdefault(response_id, []).append(place)
    book = await core.lawbook.current()
    await session.load(RESPONSES, sorted(grouped))
    for response_id, places in grouped.items():
        bad = await _answer_response(session, response_id, Report(tuple(answers[place] for place in places), book))
        refused |= {places[nth]: faults for nth, faults in bad.items()}
    return Sorted(len(answers) - len(refused), _numbered(refused))


async def _answer_response(session: Session, response_id: str, report: Report) -> Mapping[int, tuple[Fault, ...]]:
    """Take the whole report, or, when something is wrong with it, what is good of it; the faults of the rest."""
    try:
        session.do_loaded(RESPONSES, response_id, report)
    except Rejected:
        held = await session.state(RESPONSES, response_id)
        assert held is not None
        sifted = response.sift(held, report, session.now)
        session.do_loaded(RESPONSES, response_id, replace(report, answers=sifted.good))
        return sifted.bad
    return {}


def _numbered(refused: Mapping[int, tuple[Fault, ...]]) -> dict[int, tuple[Fault, ...]]:
    """The faults in order of place, each with the path of its field in the request."""
    return {
        place: tuple(replace(fault, field=_path(place, fault.field)) for fault in refused[place])
        for place in sorted(refused)
    }


def _path(place: int, field: str | None) -> str:
    return f"answers[{place}].{field}" if field else f"answers[{place}]"


def _indiscreet(answer: LineAnswer) -> tuple[Fault, ...]:
    """A person's identity number must not stand in an event in clear."""
    texts = {"note": answer.note, "reason": answer.reason, "evidence": answer.evidence}
    return tuple(personal_number_faults(texts))


async def make_check(
    core: Core, session: Session, department: DepartmentId, subject: SubjectKey, matter: str
) -> CheckMade:
    """Ask what is due to a subject in a matter, from this database alone: it is answered when Kafka is away."""
    reject_all(personal_number_faults({"matter": matter}))
    book = await core.lawbook.current()
    partition = partition_of(subject, core.store.partitions)
    async with core.store.reading.connect() as connection:
        known = await _known(connection, subject)
        read = await knowledge.about(connection, subject, partition)
    found = finding.find(known, department, matter, book, today(session.now))
    check_id = str(uuid7())
    made = CheckMade(
        check_id=check_id,
        receipt_number=receipt_number(check_id, session.now),
        department=department,
        subject=subject,
        matter=matter,
        made_at=session.now,
        hits=found.hits,
        barred=found.barred,
        lists=found.lists,
        covers=found.covers,
        as_of=read.as_of,
        complete=read.complete,
        lawbook_version=book.version,
    )
    session.fresh(CHECKS, check_id)
    session.do_loaded(CHECKS, check_id, Make(made))
    return made


async def _known(connection: AsyncConnection, subject: SubjectKey) -> list[KnownLine]:
    rows = await tasks.of_subject(connection, subject)
    directed = await directions.by_number(connection, {row.direction for row in rows}) if rows else {}
    lines = {line.line_id: line for direction in directed.values() for line in direction.lines}
    return [
        KnownLine(
            direction=directed[row.direction],
            line=lines[LineId(row.task_id)],
            state=TaskState(row.state),
            suspended=row.suspended,
            ended=row.end_mode is not None,
        )
        for row in rows
    ]


async def record_outcome(
    session: Session, department: DepartmentId, check_id: str, *, applied: bool, note: str
) -> None:
    """What the department did about the hits of a check. Raises Rejected (see the domain)."""
    reject_all(personal_number_faults({"note": note}))
    await session.do(CHECKS, check_id, RecordOutcome(check_id, department, applied, note))
