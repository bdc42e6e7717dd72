"""The executor over HTTP and Kafka."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from services.executor.domain.task import TaskState, asks_in_state
from services.executor.schema import METADATA
from shared.calendar.working_days import add_working_days, today
from shared.contracts.event import DepartmentId, EntryId, LineId, MeasureId, ResponseId, Topic
from shared.contracts.execution import Acknowledged, Applied, Armed, EffectUndone, NotApplicable, Undone
from shared.contracts.lawbook import (
    ListKind,
    Undoing,
    Works,
)
from shared.contracts.lawbook_events import (
    DepartmentPublished,
    DomainPublished,
    InstrumentPublished,
    MeasurePublished,
    RegionsPublished,
)
from shared.contracts.listing import Subject
from shared.contracts.response import (
    EndMode,
    Line,
    ResponseAmended,
    ResponseDirected,
    ResponseEnded,
    ResponseRefused,
    ResponseResumed,
    ResponseSuspended,
    Settled,
)
from shared.database.migration import drift
from shared.ids import new_event_id
from shared.trust import OfficerRole
from tests.builders import a_department, a_domain, a_line, a_measure, an_instrument, the_regions
from tests.engine.statements import counted
from tests.harness import World, eventually, world
from tests.holidays import notice_file
from tests.stacks import Addresses
from tests.subjects import INVENTED, company, person

DEPARTMENTS = ("example-tax", "example-court")
OTHERS = (
    "example-bulk",
    "example-full-page",
    "example-full-page-of-checks",
    "example-health",
    "example-housing",
    "example-paging",
    "example-stranger",
)
"""Departments of single tests, and one without any task."""
_subjects = count(1)


# --- builders --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def w(stack: Addresses) -> AsyncIterator[World]:
    async with world(stack, "executor") as made:
        await made.publish_lawbook(*lawbook())
        yield made


def lawbook() -> list[Any]:
    """A law book with the measures m1 to m9, for both departments."""
    tax = a_domain(name_zh="税收", lists=(ListKind.BLACK,), may_list=DEPARTMENTS)
    departments = [
        *(a_department(department) for department in (*DEPARTMENTS, *OTHERS)),
        a_department("example-credit-office", credit_office=True),
        a_department("example-puyang-office", credit_office=True, region="410900"),
        a_department("example-bank", kind="bank"),
    ]
    measures = [a_measure(f"m{number}", implementers=DEPARTMENTS) for number in range(1, 10)]
    return [
        InstrumentPublished(lawbook_version=1, instrument=an_instrument()),
        DomainPublished(lawbook_version=2, domain=tax),
        *(MeasurePublished(lawbook_version=v, measure=m) for v, m in enumerate(measures, start=3)),
        *(DepartmentPublished(lawbook_version=v, department=d) for v, d in enumerate(departments, start=12)),
        RegionsPublished(lawbook_version=12 + len(departments), regions=the_regions()),
    ]


def line(number: int = 1, **changes: Any) -> Line:
    """A line of the measure `m<number>`. Its id is given when it is directed."""
    return a_line(measure_id=MeasureId(f"m{number}"), **changes)


class Case:
    """One response: the orders of the registry about it, and its tasks over HTTP."""

    def __init__(self, w: World, subject: Subject, department: str) -> None:
        self.w = w
        self.subject = subject
        self.department = department
        self.facts = {
            "entry_id": EntryId(new_event_id()),
            "subject": subject.key,
            "lawbook_version": 11,
            "list_event_id": new_event_id(),
            "response_id": ResponseId(new_event_id()),
            "department": department,
        }
        self.lines: list[LineId] = []

    def directed(self, *lines: Line) -> ResponseDirected:
        mine = [line.model_copy(update={"line_id": LineId(new_event_id())}) for line in lines or (line(),)]
        self.lines += [line.line_id for line in mine]
        return ResponseDirected.model_validate(
            {
                **self.facts,
                "of": self.subject,
                "list_kind": ListKind.BLACK,
                "domain_id": "tax",
                "entry_subject": self.subject.key,
                "jurisdiction": "410300",
                "until": date(2030, 1, 1),
                "lines": mine,
            }
        )

    def ended(self, mode: EndMode = EndMode.FROM_NOW) -> ResponseEnded:
        return ResponseEnded.model_validate({**self.facts, "lines": self.lines, "mode": mode, "reason": "示例原因"})

    def suspended(self) -> ResponseSuspended:
        return ResponseSuspended.model_validate({**self.facts, "lines": self.lines, "reason": "异议受理"})

    def resumed(self) -> ResponseResumed:
        return ResponseResumed.model_validate({**self.facts, "lines": self.lines, "reason": "异议办结"})

    def amended(self, until: date) -> ResponseAmended:
        return ResponseAmended.model_validate({**self.facts, "until": until})

    async def task(self, nth: int = 0, department: str = "", *roles: OfficerRole) -> dict[str, Any]:
        answer = await self.w.http("executor").get(
            f"/v1/tasks/{self.lines[nth]}",
            headers=self.w.bearer(department or self.department, *(roles or (OfficerRole.EXECUTOR,))),
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def arrives(self) -> None:
        async def there() -> bool:
            listed = await worklist(self.w, self.department, entry_id=self.facts["entry_id"], state="all")
            return len(listed["items"]) == len(self.lines)

        await eventually(there, what="tasks in the worklist")

    async def becomes(self, nth: int = 0, **wanted: Any) -> dict[str, Any]:
        async def there() -> dict[str, Any] | None:
            found = await self.task(nth)
            return found if {name: found[name] for name in wanted} == wanted else None

        found = await eventually(there, what=f"a task with {wanted}")
        assert found is not None
        return found

    async def answer(self, kind: str, nth: int = 0, **fields: Any) -> Any:
        return await self.w.http("executor").post(
            f"/v1/tasks/{self.lines[nth]}/{kind}",
            json=fields,
            headers=self.w.writes(self.department, OfficerRole.EXECUTOR),
        )


async def a_case(w: World, *lines: Line, department: str = DEPARTMENTS[0], subject: Subject | None = None) -> Case:
    """A response that was directed and has arrived."""
    case = Case(w, subject or company(w, next(_subjects)), department)
    await w.publish(case.directed(*lines))
    await case.arrives()
    return case


async def worklist(w: World, department: str, **query: Any) -> dict[str, Any]:
    answer = await w.http("executor").get("/v1/tasks", params=query, headers=w.bearer(department, OfficerRole.EXECUTOR))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def in_bulk(w: World, department: str, answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    answer = await w.http("executor").post(
        "/v1/tasks/answers", json={"answers": answers}, headers=w.writes(department, OfficerRole.SYSTEM)
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


_OF_TASKS_AND_EVENTS = re.compile("tasks|events|outbox")


def statements(w: World) -> AbstractContextManager[list[str]]:
    """The SQL statements that the executor sends during the block."""
    return counted(w.services["executor"].core.engine)


# --- the worklist ----------------------------------------------------------------------------------------------------


async def test_the_migrations_make_what_the_code_says(w: World) -> None:
    engine = create_async_engine(w.settings.database("executor"))  # the services' own engines read json as text
    async with engine.connect() as connection:
        assert await connection.run_sync(lambda sync: drift(sync, METADATA)) == []
    await engine.dispose()


async def test_a_direction_becomes_a_task_with_all_that_an_officer_needs(w: World) -> None:
    case = await a_case(w, line(works=Works.OCCASION, matters=("procurement",)))
    task = await case.task()
    assert task["subject"] == {
        "key": case.subject.key,
        "kind": "legal",
        "name": case.subject.name,
        "number": case.subject.key.removeprefix("uscc:"),
    }
    assert (task["state"], task["asks"], task["end"]) == ("directed", "answer", None)
    assert (task["measure_id"], task["basis"], task["instrument_id"]) == ("m1", "示例办法 第一条", "memo")
    assert task["matters"] == ["procurement"]
    assert task["due_on"] > date.today().isoformat()
    assert task["until"] == "2030-01-01"


async def test_a_person_is_shown_in_clear_to_the_implementing_department_only(w: World) -> None:
    index = next(_subjects)
    case = await a_case(w, subject=person(w, index))
    task = await case.task()
    assert task["subject"]["name"] == INVENTED.person(index).name
    assert task["subject"]["number"] == INVENTED.person(index).resident_id
    for role in (OfficerRole.AUDITOR, OfficerRole.CREDIT_OFFICE):
        watched = await case.task(0, "example-credit-office", role)
        assert watched["subject"]["name"] == case.subject.name
        assert watched["subject"]["number"] is None
    stored = await w.rows(
        "executor", "SELECT directed::text AS text FROM directions UNION ALL SELECT data::text FROM events"
    )
    assert not any(INVENTED.person(index).resident_id in row.text for row in stored)


async def test_the_worklist_is_paged_in_order_and_filtered(w: World) -> None:
    department = "example-paging"
    cases = [await a_case(w, line(1), line(2), line(3), department=department) for _ in range(3)]
    wanted = [line for case in cases for line in case.lines]
    found: list[str] = []
    after = ""
    while True:
        page = await worklist(w, department, limit=2, after=after)
        found += [item["task_id"] for item in page["items"]]
        if not (after := page["next"] or ""):
            break
    assert found == wanted
    assert (await cases[0].answer("not-applicable", 1, reason="示例")).status_code == 200
    of_entry = cases[0].facts["entry_id"]
    listed = {
        state: [item["task_id"] for item in (await worklist(w, department, entry_id=of_entry, state=state))["items"]]
        for state in ("open", "closed", "all")
    }
    first, second, third = cases[0].lines
    assert listed == {"open": [first, third], "closed": [second], "all": [first, second, third]}
    assert (await worklist(w, department, kind="incentive"))["items"] == []


async def test_an_exactly_full_last_page_of_tasks_has_no_next(w: World) -> None:
    department = "example-full-page"
    case = await a_case(w, line(1), line(2), line(3), line(4), department=department)
    for state in ("open", "all"):
        first = await worklist(w, department, limit=2, state=state)
        last = await worklist(w, department, limit=2, state=state, after=first["next"])
        assert [item["task_id"] for page in (first, last) for item in page["items"]] == case.lines
        assert last["next"] is None
        assert (await worklist(w, department, limit=4, state=state))["next"] is None


async def test_an_invalid_cursor_is_refused(w: World) -> None:
    for after in ("x", "1", "1.x", f"{2**63}.1", "①.②"):
        answer = await w.http("executor").get(
            "/v1/tasks", params={"after": after}, headers=w.bearer(DEPARTMENTS[0], OfficerRole.EXECUTOR)
        )
        assert code_of(answer) == (422, "field_invalid")


# --- permissions -----------------------------------------------------------------------------------------------------


async def test_another_departments_task_can_be_neither_seen_nor_answered(w: World) -> None:
    case = await a_case(w)
    http, other = w.http("executor"), "example-stranger"
    seen = await http.get(f"/v1/tasks/{case.lines[0]}", headers=w.bearer(other, OfficerRole.EXECUTOR))
    assert code_of(seen) == (404, "unknown_id")
    answered = await http.post(
        f"/v1/tasks/{case.lines[0]}/apply", json={}, headers=w.writes(other, OfficerRole.EXECUTOR)
    )
    assert code_of(answered) == (404, "unknown_id")
    listed = await http.get(
        "/v1/tasks", params={"department": DEPARTMENTS[0]}, headers=w.bearer(other, OfficerRole.EXECUTOR)
    )
    assert code_of(listed) == (403, "forbidden_department")


async def test_watching_roles_may_read_any_department_and_answer_nothing(w: World) -> None:
    case = await a_case(w)
    http = w.http("executor")
    for role in (OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR):
        who = w.bearer("example-credit-office", role)
        params = {"department": DEPARTMENTS[0], "entry_id": case.facts["entry_id"]}
        assert len((await http.get("/v1/tasks", params=params, headers=who)).json()["items"]) == 1
        answered = await http.post(
            f"/v1/tasks/{case.lines[0]}/apply", json={}, headers=w.writes("example-credit-office", role)
        )
        assert code_of(answered) == (403, "forbidden_role")


async def test_watching_roles_read_the_departments_of_their_regions_only(w: World) -> None:
    case = await a_case(w, line(works=Works.OCCASION))
    http, path = w.http("executor"), f"/v1/tasks/{case.lines[0]}"
    receipt = await make_check(w, case.department, question(case.subject, w))
    for role in (OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR):
        elsewhere = w.bearer("example-puyang-office", role)
        assert code_of(await http.get(path, headers=elsewhere)) == (404, "unknown_id")
        assert code_of(await http.get(f"/v1/checks/{receipt['check_id']}", headers=elsewhere)) == (404, "unknown_id")
        for listed in ("/v1/tasks", "/v1/checks"):
            answer = await http.get(listed, params={"department": case.department}, headers=elsewhere)
            assert code_of(answer) == (403, "outside_responsibility")
    assert code_of(await http.get(path, headers=w.bearer("example-bank", OfficerRole.AUDITOR))) == (404, "unknown_id")


async def test_a_third_party_learns_nothing_of_persons_unless_the_law_book_says_so(w: World) -> None:
    index = next(_subjects)
    case = await a_case(w, subject=person(w, index), department="example-bank")
    task = await case.task()
    assert task["subject"] == {"key": None, "kind": "person", "name": case.subject.name, "number": None}
    answer = await w.http("executor").post(
        "/v1/checks", json=question(case.subject, w), headers=w.writes("example-bank", OfficerRole.SYSTEM)
    )
    assert code_of(answer) == (403, "natural_persons_not_read")


async def test_other_roles_see_nothing(w: World) -> None:
    http = w.http("executor")
    for role in (OfficerRole.LISTER, OfficerRole.APPROVER, OfficerRole.OPERATOR):
        assert (await http.get("/v1/tasks", headers=w.bearer(DEPARTMENTS[0], role))).status_code == 403
        made = await http.post("/v1/checks", json=question(company(w, 1), w), headers=w.writes(DEPARTMENTS[0], role))
        assert made.status_code == 403
    assert (await http.get("/v1/tasks")).status_code == 401


async def test_a_task_that_does_not_exist_is_not_found(w: World) -> None:
    http = w.http("executor")
    seen = await http.get("/v1/tasks/none", headers=w.bearer(DEPARTMENTS[0], OfficerRole.EXECUTOR))
    assert code_of(seen) == (404, "unknown_id")
    answered = await http.post("/v1/tasks/none/undo", json={}, headers=w.writes(DEPARTMENTS[0], OfficerRole.EXECUTOR))
    assert code_of(answered) == (404, "unknown_id")


# --- answers -----------------------------------------------------------------------------------------------------------


async def test_an_answer_is_published_once_and_a_second_is_refused(w: World) -> None:
    case = await a_case(w, line(works=Works.OCCASION))
    assert (await case.answer("acknowledge")).json() == {
        "task_id": case.lines[0],
        "state": "acknowledged",
        "asks": "answer",
        "without_basis": None,
    }
    assert (await case.answer("apply", note="已布控")).json()["state"] == "armed"
    assert code_of(await case.answer("apply")) == (409, "already_answered")

    async def published() -> bool:
        events = [
            e for _, e in await w.topic(Topic.EXECUTION) if getattr(e, "response_id", None) == case.facts["response_id"]
        ]
        return [type(e) for e in events] == [Acknowledged, Armed]

    await eventually(published)
    assert (await case.task())["said"] == "已布控"


async def test_the_same_request_again_does_nothing_twice(w: World) -> None:
    case = await a_case(w)
    headers = w.writes(case.department, OfficerRole.EXECUTOR)
    sent = [
        await w.http("executor").post(f"/v1/tasks/{case.lines[0]}/apply", json={}, headers=headers) for _ in range(2)
    ]
    assert [answer.status_code for answer in sent] == [200, 200]
    assert sent[1].headers["Idempotency-Replayed"] == "true"
    rows = await w.rows("executor", "SELECT 1 FROM events WHERE stream = :s", s=f"response-{case.facts['response_id']}")
    assert len(rows) == 2


async def test_an_identity_number_does_not_get_into_an_event(w: World) -> None:
    case = await a_case(w)
    number = INVENTED.person(3).resident_id
    answered = await case.answer("not-applicable", reason=f"当事人 {number} 已注销")
    assert code_of(answered) == (422, "personal_number_in_text")
    assert number not in answered.text


async def test_a_punishment_whose_measure_was_withdrawn_is_not_applied(w: World) -> None:
    case = await a_case(w, line(9))
    version = len(lawbook()) + 1
    withdrawn = a_measure("m9", version=2, published=False, implementers=DEPARTMENTS)
    await w.publish_lawbook(MeasurePublished(lawbook_version=version, measure=withdrawn))

    async def read() -> bool:
        return (await w.services["executor"].core.lawbook.current()).version == version

    await eventually(read)
    refused = await case.answer("apply")
    assert code_of(refused) == (409, "basis_gone")
    assert (await case.task())["state"] == "directed"
    assert (await case.answer("not-applicable", reason="依据已失效")).status_code == 200

    await w.publish(case.ended())
    await case.becomes(how="never_applied")
    assert code_of(await case.answer("apply")) == (409, "line_ended"), "the end order opens no door at the back"


def just_now() -> str:
    return datetime.now(UTC).isoformat()


async def test_an_effect_without_a_basis_is_recorded_published_and_undone_at_once(w: World) -> None:
    case = await a_case(w, line(1), line(2), line(3))
    await w.publish(case.ended())
    await case.becomes(1, asks="confirm")
    told: dict[str, Any] = {"done_at": just_now(), "evidence": "示例实施〔2026〕8号"}
    [refused] = (await in_bulk(w, case.department, [{"task_id": case.lines[2], "answer": "apply"}]))["refused"]
    assert refused["faults"][0]["code"] == "line_ended"
    bulk = await in_bulk(w, case.department, [{"task_id": case.lines[1], "answer": "apply", **told}])
    assert bulk == {"accepted": 1, "refused": []}
    assert code_of(await case.answer("apply", done_at=just_now())) == (409, "line_ended")
    applied = await case.answer("apply", **told)
    assert applied.json() == {
        "task_id": case.lines[0],
        "state": "applied",
        "asks": "undo",
        "without_basis": "after_end",
    }
    for nth in (0, 1):
        task = await case.task(nth)
        assert (task["without_basis"], task["demand"], task["asks"]) == ("after_end", "restore", "undo")
        assert (date.fromisoformat(task["due_on"]), task["due_on_certain"]) == add_working_days(
            today(datetime.now(UTC)), 1
        )

    async def published() -> bool:
        events = [e for e in await w.seen(Topic.EXECUTION, Applied) if e.response_id == case.facts["response_id"]]
        flagged = {(line, e.without_basis, e.evidence) for e in events for line in e.lines}
        return flagged == {(line, "after_end", told["evidence"]) for line in case.lines[:2]}

    await eventually(published)
    assert code_of(await case.answer("undo", how="stopped", evidence="示例")) == (422, "undoing_not_enough")
    undone = await case.answer("undo", how="restored", evidence="示例〔2026〕9号")
    assert (undone.json()["asks"], undone.json()["without_basis"]) == ("nothing", None)


async def test_what_was_applied_while_suspended_is_recorded_and_the_task_stays_open_until_it_is_undone(
    w: World,
) -> None:
    case = await a_case(w)
    await w.publish(case.suspended())
    await case.becomes(suspended=True, asks="nothing")
    assert code_of(await case.answer("apply")) == (409, "line_suspended")
    told = await case.answer("apply", done_at=just_now(), evidence="示例实施〔2026〕10号")
    assert (told.json()["asks"], told.json()["without_basis"]) == ("undo", "suspended")
    assert [one["task_id"] for one in (await worklist(w, case.department, entry_id=case.facts["entry_id"]))["items"]]
    await case.answer("undo", how="restored", evidence="示例〔2026〕11号")
    await case.becomes(state="undone", asks="nothing")
    await w.publish(case.resumed())
    await case.becomes(state="undone", asks="answer")
    assert (await case.answer("apply")).json()["without_basis"] is None


async def test_an_outcome_that_applies_what_has_ended_is_refused_or_recorded_as_without_basis(w: World) -> None:
    department = "example-court"
    case = await a_case(w, line(1, works=Works.OCCASION, matters=("licensing",)), department=department)
    assert (await case.answer("apply")).json()["state"] == "armed"
    receipt = await make_check(w, department, question(case.subject, w, "licensing"))
    await w.publish(case.ended())
    await case.becomes(asks="undo")
    path = f"/v1/checks/{receipt['check_id']}/outcome"

    async def outcome(**body: Any) -> Any:
        headers = w.writes(department, OfficerRole.EXECUTOR)
        return await w.http("executor").post(path, json={"applied": True, **body}, headers=headers)

    assert code_of(await outcome()) == (409, "line_ended")
    assert code_of(await outcome(done_at=just_now())) == (409, "line_ended")
    assert (await outcome(done_at=just_now(), evidence="示例决定〔2026〕12号")).status_code == 200
    task = await case.becomes(state="applied", without_basis="after_end")
    assert (task["asks"], task["demand"]) == ("undo", "restore")


async def test_of_ten_answers_three_invalid_ones_are_returned_and_seven_accepted(w: World) -> None:
    case = await a_case(w, *[line(number % 6 + 1) for number in range(9)])
    stranger = await a_case(w, department="example-stranger")
    assert (await case.answer("apply", 0)).status_code == 200
    answers: list[dict[str, Any]] = [{"task_id": line, "answer": "apply"} for line in case.lines]
    answers[4] = {"task_id": case.lines[4], "answer": "fail"}
    answers.append({"task_id": stranger.lines[0], "answer": "apply"})
    result = await in_bulk(w, case.department, answers)
    assert result["accepted"] == 7
    assert [
        (one["index"], one["task_id"], [(f["code"], f["field"]) for f in one["faults"]]) for one in result["refused"]
    ] == [
        (0, case.lines[0], [("already_answered", "answers[0]")]),
        (4, case.lines[4], [("field_missing", "answers[4].reason")]),
        (9, stranger.lines[0], [("unknown_id", "answers[9].task_id")]),
    ]
    assert (await case.task(4))["state"] == "directed"
    assert (await case.task(8))["state"] == "applied"
    assert (await stranger.task())["state"] == "directed"

    async def one_event() -> bool:
        mine = [e for e in await w.seen(Topic.EXECUTION, Applied) if e.response_id == case.facts["response_id"]]
        return [len(e.lines) for e in mine] == [1, 7]

    await eventually(one_event)


async def test_answers_to_thirty_responses_cost_as_many_statements_as_to_ten(w: World) -> None:
    department = "example-bulk"
    cases = [Case(w, company(w, next(_subjects)), department) for _ in range(40)]
    await w.publish(*[case.directed(*[line(n) for n in range(1, 7)]) for case in cases])
    for case in cases:
        await case.arrives()
    lines = [line for case in cases for line in case.lines]
    counts: list[int] = []
    for chosen in (lines[:60], lines[60:]):
        with statements(w) as seen:
            result = await in_bulk(w, department, [{"task_id": line, "answer": "apply"} for line in chosen])
        assert result == {"accepted": len(chosen), "refused": []}
        counts.append(len([s for s in seen if _OF_TASKS_AND_EVENTS.search(s) and "store_identity" not in s]))
    assert counts == [6, 6], (
        "responses of the tasks, load, positions, events, outbox, tasks; statements of the relay are not counted"
    )
    assert (await worklist(w, department))["items"] == []


# --- suspension, ends ------------------------------------------------------------------------------------------------


async def test_a_suspended_task_leaves_the_open_worklist_and_comes_back(w: World) -> None:
    case = await a_case(w)
    await w.publish(case.suspended())
    await case.becomes(suspended=True, asks="nothing", due_on=None)
    assert code_of(await case.answer("apply")) == (409, "line_suspended")
    await w.publish(case.resumed())
    await case.becomes(suspended=False, asks="answer")
    assert (await case.answer("apply")).status_code == 200


async def test_an_amended_term_is_shown(w: World) -> None:
    case = await a_case(w)
    await w.publish(case.amended(date(2027, 5, 1)))
    await case.becomes(until="2027-05-01")


async def test_an_end_asks_for_the_undoing_and_the_undoing_closes_it(w: World) -> None:
    case = await a_case(w, line(1), line(2, on_end=Undoing.NOTHING), line(3), line(4))
    for nth in (0, 1):
        await case.answer("apply", nth)
    await case.answer("not-applicable", 2, reason="主体已注销")
    await w.publish(case.ended())
    owing = await case.becomes(0, asks="undo", state="applied")
    assert owing["end"] == {"mode": "from_now", "reason": "示例原因"}
    assert owing["demand"] == "stop"
    await case.becomes(1, asks="nothing", how="nothing_to_undo")
    await case.becomes(2, asks="nothing", how="never_applied", said="主体已注销")
    await case.becomes(3, asks="confirm", state="directed")
    assert (await case.answer("undo", 0, how="stopped", evidence="示例〔2026〕3号")).json()["asks"] == "nothing"
    done_at = (await case.task(3))["directed_at"]
    late = await case.answer("apply", 3, done_at=done_at, evidence="示例〔2026〕2号")
    assert late.json() == {"task_id": case.lines[3], "state": "applied", "asks": "undo", "without_basis": None}
    assert (await case.answer("undo", 3, how="stopped", evidence="示例〔2026〕4号")).status_code == 200

    async def all_undone() -> bool:
        undone = [e for e in await w.seen(Topic.EXECUTION, EffectUndone) if e.response_id == case.facts["response_id"]]
        return sorted(line for e in undone for line in e.lines) == sorted(case.lines)

    await eventually(all_undone)
    applied = [e for e in await w.seen(Topic.EXECUTION, Applied) if e.response_id == case.facts["response_id"]]
    assert [(list(e.lines), e.late) for e in applied] == [
        ([case.lines[0]], False),
        ([case.lines[1]], False),
        ([case.lines[3]], True),
    ]
    assert (await worklist(w, case.department, entry_id=case.facts["entry_id"]))["items"] == []


async def test_what_was_stopped_is_reopened_when_it_was_wrong_from_the_beginning(w: World) -> None:
    case = await a_case(w)
    await case.answer("apply")
    await w.publish(case.ended())
    await case.becomes(asks="undo")
    await case.answer("undo", how="stopped", evidence="示例〔2026〕5号")
    await w.publish(case.ended(EndMode.FROM_BEGINNING))
    reopened = await case.becomes(asks="undo", state="applied")
    assert (reopened["end"]["mode"], reopened["demand"]) == ("from_beginning", "restore")
    assert code_of(await case.answer("undo", how="stopped", evidence="示例")) == (422, "undoing_not_enough")
    assert (await case.answer("undo", how="restored", evidence="示例〔2026〕6号")).json()["asks"] == "nothing"


async def test_what_is_open_in_the_database_is_what_asks_something(w: World) -> None:
    rows = await w.rows("executor", "SELECT DISTINCT state, suspended, end_mode, without_basis, open FROM tasks")
    assert {row.state for row in rows} >= {"directed", "applied", "undone"}
    for row in rows:
        asks = asks_in_state(
            TaskState(row.state),
            ended=row.end_mode is not None,
            suspended=row.suspended,
            without_basis=row.without_basis is not None,
        )
        assert row.open == (asks.value != "nothing")


async def test_registry_events_that_need_no_task_are_ignored(w: World) -> None:
    case = Case(w, company(w, next(_subjects)), DEPARTMENTS[0])
    facts = {name: case.facts[name] for name in ("entry_id", "subject", "lawbook_version", "list_event_id")}
    await w.publish(
        ResponseRefused.model_validate(
            {
                **facts,
                "refused": [{"measure_id": "m1", "measure_version": 1, "instrument_id": "i", "reason": "unpublished"}],
            }
        ),
        case.directed(),
        Settled.model_validate({**facts, "list_event_type": "x", "lines": case.lines, "standing": 1, "ended": False}),
    )
    await case.arrives()
    assert await w.rows("executor", "SELECT 1 FROM parked WHERE key = :key", key=case.subject.key) == []


# --- checks ----------------------------------------------------------------------------------------------------------


def question(subject: Subject, w: World, matter: str = "procurement") -> dict[str, Any]:
    scheme, _, number = subject.key.partition(":")
    if scheme == "person":
        number = w.services["executor"].core.seal.open(subject.sealed_number or "")
    return {"subject": {"scheme": scheme, "number": number}, "matter": matter}


async def make_check(w: World, department: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await w.http("executor").post(
        "/v1/checks", json=body, headers=w.writes(department, OfficerRole.SYSTEM, subject="system-1")
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_check_returns_the_measures_due_in_the_matter_and_its_outcome_is_recorded_once(w: World) -> None:
    department = "example-court"
    case = await a_case(w, line(1, works=Works.OCCASION, matters=("procurement",)), line(2), department=department)
    receipt = await make_check(w, department, question(case.subject, w))
    assert [hit["line_id"] for hit in receipt["hits"]] == [case.lines[0]]
    assert receipt["asked_by"] == "system-1"
    assert receipt["lists"][0]["entry_id"] == case.facts["entry_id"]
    assert receipt["as_of"] is not None
    assert receipt["complete"]
    assert "procurement" in receipt["meaning"]
    assert receipt["awaiting_outcome"]

    http = w.http("executor")
    reader = w.bearer(department, OfficerRole.EXECUTOR)
    waiting = (await http.get("/v1/checks", headers=reader)).json()["items"]
    assert receipt["check_id"] in [one["check_id"] for one in waiting]
    path = f"/v1/checks/{receipt['check_id']}"
    body = {"applied": True, "note": "取消投标资格"}
    foreign = await http.post(f"{path}/outcome", json=body, headers=w.writes("example-tax", OfficerRole.EXECUTOR))
    assert code_of(foreign) == (404, "unknown_id")
    for status in (200, 409):
        done = await http.post(f"{path}/outcome", json=body, headers=w.writes(department, OfficerRole.EXECUTOR))
        assert done.status_code == status
    stored = (await http.get(path, headers=reader)).json()
    assert stored["outcome"]["applied"]
    assert not stored["awaiting_outcome"]
    assert {**stored, "outcome": None, "awaiting_outcome": True} == receipt
    other = await http.get(path, headers=w.bearer("example-tax", OfficerRole.EXECUTOR))
    assert code_of(other) == (404, "unknown_id")


async def test_an_exactly_full_last_page_of_checks_has_no_next(w: World) -> None:
    department = "example-full-page-of-checks"
    case = await a_case(w, line(works=Works.OCCASION), department=department)
    receipts = [await make_check(w, department, question(case.subject, w)) for _ in range(4)]
    pages: list[dict[str, Any]] = []
    for after in ("", receipts[1]["check_id"]):
        answer = await w.http("executor").get(
            "/v1/checks", params={"limit": 2, "after": after}, headers=w.bearer(department, OfficerRole.EXECUTOR)
        )
        pages.append(answer.json())
    assert [one["check_id"] for page in pages for one in page["items"]] == [one["check_id"] for one in receipts]
    assert [page["next"] for page in pages] == [receipts[1]["check_id"], None]


async def test_a_check_without_hits_names_the_lists_that_it_covers_and_its_time(w: World) -> None:
    case = await a_case(w)
    unlisted = company(w, next(_subjects))
    receipt = await make_check(w, case.department, question(unlisted, w))
    assert (receipt["hits"], receipt["lists"]) == ([], [])
    assert receipt["covers"] == [{"domain_id": "tax", "list_kind": "black"}]
    assert "税收黑名单" in receipt["meaning"]
    assert "不等于信用良好的证明" in receipt["meaning"]
    assert not receipt["awaiting_outcome"]
    none = await w.http("executor").post(
        f"/v1/checks/{receipt['check_id']}/outcome",
        json={"applied": False},
        headers=w.writes(case.department, OfficerRole.EXECUTOR),
    )
    assert code_of(none) == (409, "no_outcome_awaited")


async def test_a_person_is_named_in_the_body_and_stored_as_a_key_only(w: World) -> None:
    index = next(_subjects)
    case = await a_case(w, line(works=Works.OCCASION), subject=person(w, index))
    receipt = await make_check(w, case.department, question(case.subject, w, "licensing"))
    assert [hit["line_id"] for hit in receipt["hits"]] == case.lines
    assert receipt["subject"] == {"key": None, "kind": "person"}
    assert [entry["entry_subject"] for entry in receipt["lists"]] == [None]
    number = INVENTED.person(index).resident_id
    rows = await w.rows(
        "executor", "SELECT made::text AS text FROM checks UNION ALL SELECT body::text FROM idempotency"
    )
    assert not any(number in row.text for row in rows)


async def test_a_wrong_number_is_refused_with_the_reason(w: World) -> None:
    body = {"subject": {"scheme": "uscc", "number": "91410300MA000000X"}, "matter": "procurement"}
    answer = await w.http("executor").post(
        "/v1/checks", json=body, headers=w.writes(DEPARTMENTS[0], OfficerRole.EXECUTOR)
    )
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"] == "subject.number"


async def test_an_event_that_cannot_be_projected_parks_and_the_check_says_that_it_is_incomplete(w: World) -> None:
    case = Case(w, company(w, next(_subjects)), DEPARTMENTS[0])
    case.lines = [LineId("never-directed")]
    await w.publish(case.ended())

    async def parked() -> bool:
        return bool(await w.rows("executor", "SELECT 1 FROM parked WHERE key = :key", key=case.subject.key))

    await eventually(parked)
    receipt = await make_check(w, case.department, question(case.subject, w))
    assert not receipt["complete"]
    assert "可能不完整" in receipt["meaning"]


# --- settings and restart --------------------------------------------------------------------------------------------


async def test_an_executor_in_a_departments_premises_takes_its_own_responses_only(stack: Addresses) -> None:
    async with world(stack, "executor", departments="example-tax, example-health") as w:
        await w.publish_lawbook(*lawbook())
        subject = company(w, 1)
        foreign = Case(w, subject, "example-court")
        await w.publish(foreign.directed(), foreign.ended())
        mine = await a_case(w, subject=subject)
        assert (await worklist(w, "example-court", state="all"))["items"] == []
        assert await w.rows("executor", "SELECT 1 FROM parked") == []
        await w.restart("executor")
        assert (await mine.task())["state"] == "directed"
        assert (await mine.answer("not-applicable", reason="示例")).status_code == 200
        published = await eventually(lambda: w.seen(Topic.EXECUTION, NotApplicable))
        assert [event.department for event in published] == [DepartmentId("example-tax")]


async def test_an_executor_that_has_read_nothing_says_so(stack: Addresses) -> None:
    async with world(stack, "executor") as w:
        headers = w.writes("example-tax", OfficerRole.SYSTEM)
        refused = await w.http("executor").post("/v1/checks", json=question(company(w, 1), w), headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (503, "law_book_not_read")
        assert "retry-after" in refused.headers


async def test_a_last_day_in_a_year_that_is_not_announced_says_so_and_is_counted_anew(stack: Addresses) -> None:
    """Ten working days from a Thursday before the spring festival of a year that no library knows (F12)."""
    async with world(stack, "executor", holidays=None) as made:
        await made.publish_lawbook(*lawbook())
        await made.move_clock(datetime(2091, 1, 25, 2, tzinfo=UTC))
        case = await a_case(made)
        task = await case.task()
        assert (task["due_on"], task["due_on_certain"]) == ("2091-02-08", False)
        file = notice_file(made.settings.jwks_file.parent, 2091)  # pyright: ignore[reportOptionalMemberAccess]
        made.settings = made.settings.model_copy(update={"holidays": file})
        await made.restart("executor")
        task = await case.task()
        # 26 January, Sunday 28, 29 to 31, 1 and 2 February, the festival from 5 to 12, and 13 to 15 February.
        assert (task["due_on"], task["due_on_certain"]) == ("2091-02-15", True)


async def test_never_applied_is_confirmed_by_the_department(w: World) -> None:
    case = await a_case(w)
    await w.publish(case.ended(EndMode.FROM_BEGINNING))
    await case.becomes(asks="confirm")
    result = await in_bulk(
        w,
        case.department,
        [{"task_id": case.lines[0], "answer": "undo", "how": "never_applied", "evidence": "经查未曾实施"}],
    )
    assert result == {"accepted": 1, "refused": []}
    task = await case.task()
    assert (task["state"], task["how"], task["asks"]) == ("undone", Undone.NEVER_APPLIED, "nothing")
