"""The commands that come over HTTP: answers of departments, one or a thousand, and checks with their outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils import uuid7

from services.executor.domain import finding
from services.executor.domain.answers import LineAnswer
from services.executor.domain.check import CHECK, RecordCheck, RecordOutcome, receipt_number
from services.executor.domain.events import CheckMade
from services.executor.domain.finding import KnownLine
from services.executor.domain.reports import Report, on_occasion, sift
from services.executor.domain.response import RESPONSE
from services.executor.domain.task import Task, TaskState
from services.executor.stores import reading_progress
from services.executor.views import directions, tasks
from shared.calendar.working_days import today
from shared.contracts.event import DepartmentId, LineId, SubjectKey
from shared.contracts.lawbook import SubjectKind
from shared.eventstore import Session
from shared.eventstore.partitions import partition_of
from shared.identity import kind_of
from shared.identity.personal_numbers import personal_number_faults
from shared.lawbook.responsibility import reads_persons
from shared.rejection import Fault, Rejected, reject, reject_all
from shared.runtime.core import Core


async def answer_task(core: Core, session: Session, department: DepartmentId, answer: LineAnswer) -> Task:
    """Answer one task of the department. Returns the task after the answer.

    Raises Rejected: `personal_number_in_text`, `unknown_id`, or all faults of the answer (domain/answers.py).
    """
    if faults := _personal_numbers(answer):
        raise Rejected(*faults)
    async with core.store.reading.connect() as connection:
        found = await tasks.responses_of(connection, department, [answer.line_id])
    response_id = found.get(answer.line_id)
    if response_id is None:
        raise reject("unknown_id", "task_id")
    await session.do(RESPONSE, response_id, Report((answer,), await core.lawbook.current()))
    after = await session.state(RESPONSE, response_id)
    assert after is not None
    return after.tasks[answer.line_id]


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """The outcome of answers in bulk: how many were accepted, and the faults of the others by their index in the request."""

    accepted: int
    refused: Mapping[int, tuple[Fault, ...]]


async def answer_tasks(
    core: Core, session: Session, department: DepartmentId, answers: Sequence[LineAnswer]
) -> BulkOutcome:
    """Answer many tasks in one unit of work: two queries and one append, however many answers. Valid answers are accepted."""
    async with core.store.reading.connect() as connection:
        found = await tasks.responses_of(connection, department, {answer.line_id for answer in answers})
    refused: dict[int, tuple[Fault, ...]] = {}
    grouped: dict[str, list[int]] = {}
    for index, answer in enumerate(answers):
        response_id = found.get(answer.line_id)
        if response_id is None:
            refused[index] = (Fault("unknown_id", "task_id"),)
        elif faults := _personal_numbers(answer):
            refused[index] = faults
        else:
            grouped.setdefault(response_id, []).append(index)
    book = await core.lawbook.current()
    await session.load(RESPONSE, sorted(grouped))
    for response_id, indexes in grouped.items():
        report = Report(tuple(answers[index] for index in indexes), book)
        faults_by_place = await _report_valid(session, response_id, report)
        refused |= {indexes[place]: faults for place, faults in faults_by_place.items()}
    return BulkOutcome(len(answers) - len(refused), _with_paths(refused))


async def _report_valid(session: Session, response_id: str, report: Report) -> Mapping[int, tuple[Fault, ...]]:
    """Append the whole report, or, when it has faults, its valid answers. Returns the faults by index in the report."""
    try:
        session.do_loaded(RESPONSE, response_id, report)
    except Rejected:
        response = await session.state(RESPONSE, response_id)
        assert response is not None
        sifted = sift(response, report, session.now)
        session.do_loaded(RESPONSE, response_id, replace(report, answers=sifted.valid))
        return sifted.faults
    return {}


def _with_paths(refused: Mapping[int, tuple[Fault, ...]]) -> dict[int, tuple[Fault, ...]]:
    """The faults in the order of the request, each with the path of its field in the request."""
    return {
        index: tuple(replace(fault, field=_path(index, fault.field)) for fault in refused[index])
        for index in sorted(refused)
    }


def _path(index: int, field: str | None) -> str:
    return f"answers[{index}].{field}" if field else f"answers[{index}]"


def _personal_numbers(answer: LineAnswer) -> tuple[Fault, ...]:
    """Faults for personal identity numbers in texts: they must not get into an event in clear."""
    texts = {"note": answer.note, "reason": answer.reason, "evidence": answer.evidence}
    return tuple(personal_number_faults(texts))


async def make_check(
    core: Core, session: Session, department: DepartmentId, subject: SubjectKey, matter: str
) -> CheckMade:
    """Find what is due to a subject in a matter, and record it. Uses this database only, so it works without Kafka.

    Raises Rejected: `personal_number_in_text`, `natural_persons_not_read`.
    """
    reject_all(personal_number_faults({"matter": matter}))
    book = await core.lawbook.current()
    if kind_of(subject) is SubjectKind.PERSON and not reads_persons(book, department):
        raise reject("natural_persons_not_read", department=department)
    partition = partition_of(subject, core.store.partitions)
    async with core.store.reading.connect() as connection:
        known = await _known_lines(connection, subject)
        progress = await reading_progress.for_subject(connection, subject, partition)
    findings = finding.find(known, department, matter, book, today(session.now))
    check_id = str(uuid7())
    made = CheckMade(
        check_id=check_id,
        receipt_number=receipt_number(check_id, session.now),
        department=department,
        subject=subject,
        matter=matter,
        made_at=session.now,
        hits=findings.hits,
        barred=findings.barred,
        lists=findings.lists,
        covers=findings.covers,
        as_of=progress.as_of,
        complete=progress.complete,
        lawbook_version=book.version,
    )
    session.fresh(CHECK, check_id)
    session.do_loaded(CHECK, check_id, RecordCheck(made))
    return made


async def _known_lines(connection: AsyncConnection, subject: SubjectKey) -> list[KnownLine]:
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
            without_basis=row.without_basis is not None,
        )
        for row in rows
    ]


async def record_outcome(core: Core, session: Session, outcome: RecordOutcome) -> None:
    """Record what the department did about the hits of a check. A measure that was barred when it was applied is reported as
    applied without a basis, by the rules of answers to tasks.

    Raises Rejected: `personal_number_in_text`, as `decide` in domain/check.py, or the faults of the report.
    """
    reject_all(personal_number_faults({"note": outcome.note, "evidence": outcome.evidence}))
    await session.do(CHECK, outcome.check_id, outcome)
    check = await session.state(CHECK, outcome.check_id)
    if check is None or not outcome.applied:
        return
    hits: dict[str, list[LineId]] = {}
    for hit in check.hits:
        hits.setdefault(hit.response_id, []).append(hit.line_id)
    book = await core.lawbook.current()
    await session.load(RESPONSE, sorted(hits))
    for response_id, lines in hits.items():
        response = await session.state(RESPONSE, response_id)
        assert response is not None
        if (report := on_occasion(response, lines, outcome, book, session.now)).answers:
            session.do_loaded(RESPONSE, response_id, report)
