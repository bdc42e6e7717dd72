"""No answer of any service has the key of a natural person, or an encrypted name or number (row 25).

First by the schemas of all answers, then by the answers themselves: a loop about a natural person, read by everyone who may.
"""

from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest

from services.catalogue.files.shipped import shipped
from shared.contracts.event import Topic
from shared.contracts.response import Settled
from shared.trust import OfficerRole
from tests.authority.test_table import SERVICES, built
from tests.conftest import StartWorld
from tests.harness import World, eventually
from tests.subjects import INVENTED

SEALED = {"sealed_name", "sealed_number"}
KEYS = {"key", "subject", "subject_key", "entry_subject"}
OF_OPERATORS = {("Parked", "key"), ("RetryBody", "key")}
"""The key of parked events: `parked:<id>` for a natural person (tests/services/test_operations.py)."""


def answered(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The fields of all answers: the name of the model, of the field, and the schema of the field."""
    models: dict[str, Any] = schema["components"]["schemas"]
    waiting = [
        response
        for path in schema["paths"].values()
        for operation in path.values()
        for response in operation["responses"].values()
    ]
    seen: set[str] = set()
    while waiting:
        for name in references(waiting.pop()) - seen:
            seen.add(name)
            waiting.append(models[name])
            yield from ((name, field, of) for field, of in models[name].get("properties", {}).items())


def references(node: object) -> set[str]:
    """The names of the models to which a schema refers."""
    if isinstance(node, list):
        return {name for one in cast("list[object]", node) for name in references(one)}
    if not isinstance(node, dict):
        return set()
    content = cast("dict[str, object]", node)
    found = {name for one in content.values() for name in references(one)}
    named = content.get("$ref")
    return found | ({named.rpartition("/")[2]} if isinstance(named, str) else set())


def is_text(field: dict[str, Any]) -> bool:
    return any(one.get("type") == "string" and "enum" not in one for one in (field, *field.get("anyOf", ())))


@pytest.mark.parametrize("name", SERVICES)
def test_no_schema_of_an_answer_has_a_sealed_field_or_an_unguarded_key(name: str) -> None:
    fields = list(answered(built(name).openapi()))
    assert fields
    for model, field, of in fields:
        assert field not in SEALED, f"{model}.{field}"
        if field in KEYS and is_text(of) and (model, field) not in OF_OPERATORS:
            assert of.get("x-natural-person") == "null", f"{model}.{field}: use shared.web.subjects.ShownKey"


# --- the answers themselves ------------------------------------------------------------------------------------------

PEOPLE = (INVENTED.person(21), INVENTED.person(22))
COURT, OFFICE = "luoyang-court", "luoyang-credit-office"


def an_entry() -> dict[str, Any]:
    listed, responsible = ({"scheme": "person", "number": one.resident_id, "name": one.name} for one in PEOPLE)
    return {
        "list_kind": "black",
        "domain_id": "judgment-defaulters",
        "subject": listed,
        "responsible": [{"subject": responsible, "role": "legal_representative"}],
        "decision": {
            "document_number": "（2018）示例执21号",
            "decided_on": "2018-03-01",
            "facts": "示例事实",
            "legal_basis": "示例依据第一条",
        },
        "jurisdiction": "410300",
        "term_from": "2018-03-01",
        "term_to": "2030-02-28",
        "public": True,
    }


class Listener:
    """Keeps the text of every answer of a world's services."""

    def __init__(self, w: World) -> None:
        self.w = w
        self.heard: list[tuple[str, str]] = []
        for service in w.services:
            w.http(service).event_hooks["response"].append(self._hear)

    async def _hear(self, response: httpx.Response) -> None:
        await response.aread()
        self.heard.append((f"{response.request.method} {response.request.url} {response.status_code}", response.text))

    async def get(self, service: str, path: str, headers: dict[str, str], **query: Any) -> Any:
        answer = await self.w.http(service).get(path, params=query, headers=headers)
        return answer.json() if answer.headers["content-type"].endswith("json") else answer.text

    async def post(self, service: str, path: str, body: Any, headers: dict[str, str], ok: bool = True) -> Any:
        answer = await self.w.http(service).post(path, json=body, headers=headers)
        assert not ok or answer.is_success, answer.text
        return answer.json()


async def listing(w: World, listener: Listener) -> str:
    """A person is listed, with another who is responsible. Returns the entry, once the registry has settled it."""
    drafts, submits = (w.writes(COURT, OfficerRole.LISTER, subject="lister") for _ in range(2))
    entry_id = (await listener.post("initiator", "/v1/entries", an_entry(), drafts))["entry_id"]
    await listener.post("initiator", f"/v1/entries/{entry_id}/submit", None, submits)
    approver = w.writes(COURT, OfficerRole.APPROVER, subject="approver")
    await listener.post("initiator", f"/v1/entries/{entry_id}/approve", None, approver)
    await eventually(lambda: w.seen(Topic.RESPONSE, Settled), what="the entry settled")
    return entry_id


async def tasks_of(w: World, listener: Listener) -> dict[str, list[str]]:
    """The open tasks of each department of Luoyang, once some have come."""
    book = await w.services["executor"].core.lawbook.current()
    departments = [one for one in sorted(book.departments) if one.startswith("luoyang-")]

    async def found() -> dict[str, list[str]]:
        tasks: dict[str, list[str]] = {}
        for department in departments:
            page = await listener.get(
                "executor", "/v1/tasks", w.bearer(OFFICE, OfficerRole.AUDITOR), department=department
            )
            if page["items"]:
                tasks[department] = [task["task_id"] for task in page["items"]]
        return tasks

    return await eventually(found, what="tasks")


async def read_everything(w: World, listener: Listener, entry_id: str, tasks: dict[str, list[str]]) -> None:
    """Every route that can tell of the entry, by everyone who may ask."""
    overseers = [w.bearer(OFFICE, role) for role in (OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR)]
    own = [w.bearer(COURT, role) for role in (OfficerRole.LISTER, OfficerRole.APPROVER, OfficerRole.REPAIRER)]
    acting = [w.bearer(department, OfficerRole.EXECUTOR) for department in tasks]
    for who in (*overseers, *own, *acting):
        for service, path in (
            *(("initiator", path) for path in ("/v1/entries", f"/v1/entries/{entry_id}", "/v1/imports")),
            *(("registry", path) for path in (f"/v1/entries/{entry_id}/resolution", "/v1/conflicts", "/v1/readings")),
            *(
                ("registry", path)
                for path in ("/v1/lists/judgment-defaulters/black", "/v1/resolving", "/v1/rehearsals")
            ),
            *(("feedback", path) for path in (f"/v1/entries/{entry_id}/closure", "/v1/obligations", "/v1/statistics")),
            ("feedback", "/v1/statistics/still-in-force"),
            *(
                ("repair", path)
                for path in ("/v1/entries", f"/v1/entries/{entry_id}", "/v1/objections", "/v1/revocations")
            ),
            *(("executor", path) for path in ("/v1/tasks", "/v1/checks")),
        ):
            await listener.get(service, path, who)
    await listener.get("registry", "/v1/public/search", {}, q="示＊")
    for service in w.services:
        for path in ("state", "parked", "timers"):
            await listener.get(service, f"/v1/operations/{path}", w.bearer(None, OfficerRole.OPERATOR))
    for one in PEOPLE:
        await _ask_with_the_number(w, listener, one.resident_id, next(iter(tasks)))


async def _ask_with_the_number(w: World, listener: Listener, number: str, department: str) -> None:
    callers = (
        (OFFICE, OfficerRole.AUDITOR, "audit"),
        (COURT, OfficerRole.EXECUTOR, "execution_of_measures"),
        (department, OfficerRole.EXECUTOR, "approval_or_supervision"),
    )
    for caller, role, purpose in callers:
        grounds = {"scheme": "person", "number": number, "purpose": purpose, "business_number": "示例办件21号"}
        headers = w.bearer(caller, role)
        await listener.post("registry", "/v1/subjects/query", {**grounds, "history": True}, headers, ok=False)
        await listener.post("registry", "/v1/subjects/clean-record", {**grounds, "region": "410300"}, headers, ok=False)
        await listener.get("registry", f"/v1/subjects/person/{number}", headers)
    check = {"subject": {"scheme": "person", "number": number}, "matter": "示例事项"}
    made = await listener.post("executor", "/v1/checks", check, w.writes(department, OfficerRole.SYSTEM), ok=False)
    await listener.get("executor", f"/v1/checks/{made.get('check_id')}", w.bearer(department, OfficerRole.EXECUTOR))


async def test_no_answer_of_the_main_loop_tells_the_key_the_ciphertext_or_the_number_of_a_person(
    start: StartWorld,
) -> None:
    async with start("initiator", "registry", "executor", "feedback", "repair") as w:
        await w.publish_lawbook(*shipped().changes())
        listener = Listener(w)
        entry_id = await listing(w, listener)
        tasks = await tasks_of(w, listener)
        await read_everything(w, listener, entry_id, tasks)
        for department, ids in tasks.items():
            for task_id in ids:
                headers = w.writes(department, OfficerRole.EXECUTOR)
                await listener.post("executor", f"/v1/tasks/{task_id}/apply", {}, headers, ok=False)
        repairer = w.writes(COURT, OfficerRole.REPAIRER)
        filed = {"entry_id": entry_id, "reason": "示例：并非本人"}
        await listener.post("repair", "/v1/objections", filed, repairer, ok=False)
        await read_everything(w, listener, entry_id, tasks)
        core = w.services["registry"].core
        forbidden = ["sealed_", "person:", "gAAAA", *(core.keys.person(one.resident_id) for one in PEOPLE)]
        for request, text in listener.heard:
            for secret in forbidden:
                assert secret not in text, f"{secret!r} in the answer to {request}"
        numbers = [one.resident_id for one in PEOPLE]
        clear = {request for request, text in listener.heard if any(number in text for number in numbers)}
        assert all(" http://executor/v1/tasks" in request for request in clear), clear
        assert clear, "the implementing department sees whom its task is about"
