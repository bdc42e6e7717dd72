"""The steps of the README's quickstart: one entry, from its publication to a closed ledger."""

import subprocess
from pathlib import Path
from typing import Any

import httpx

from tests.harness import eventually
from tests.node.sandbox import LIANDONG, Sandbox, sandbox
from tests.stacks import Addresses

ENTRY = {
    "list_kind": "red",
    "domain_id": "tax",
    "subject": {"scheme": "uscc", "number": "91410300618818841L", "name": "示例第000001号商贸有限公司"},
    "decision": {
        "document_number": "示例税〔2025〕1号",
        "decided_on": "2025-06-01",
        "facts": "示例：连续三年纳税信用评价为A级",
        "legal_basis": "洛政〔2017〕44号 三(二)",
    },
    "jurisdiction": "410300",
    "term_from": "2025-06-01",
    "public": True,
}
OTHERS = {
    *("luoyang-civilisation-office", "luoyang-finance", "luoyang-financial-institutions", "luoyang-food-drug"),
    *("luoyang-industry-commerce", "luoyang-quality-supervision", "luoyang-work-safety"),
}
"""The other departments that have tasks for an entry on the red list of taxpayers."""


class Curl:
    """Like curl in a shell: tokens from `liandong token`, and an Idempotency-Key per write."""

    def __init__(self, here: Sandbox, address: str | None) -> None:
        self._here = here
        self._http = httpx.Client(base_url=address or "", timeout=60, trust_env=False)

    def token(self, department: str, role: str, subject: str) -> str:
        command = [LIANDONG, "token", "--department", department, "--role", role, "--subject", subject]
        folder = ["--folder", str(self._here.home.trust)]
        return subprocess.run([*command, *folder], check=True, capture_output=True, text=True).stdout.strip()

    def get(self, token: str, path: str) -> Any:
        answer = self._http.get(path, headers={"Authorization": f"Bearer {token}"})
        answer.raise_for_status()
        return answer.json()

    def post(self, token: str, path: str, key: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        answer = self._http.post(path, headers=headers, json=body)
        assert answer.is_success, answer.text
        return answer.json()


async def test_a_new_user_follows_the_readme(stack: Addresses, tmp_path: Path) -> None:
    async with sandbox(stack, tmp_path) as here:
        process = await here.begin("up", "--port", "0", "--folder", str(tmp_path))
        try:
            address = await eventually(here.address, seconds=60)
            await eventually(lambda: _ready(tmp_path), seconds=60)
            await _quickstart(Curl(here, address))
        finally:
            process.terminate()
            ended = await here.ended(process)
        assert ended.status == 0, ended.err


def _ready(folder: Path) -> bool:
    return "ready" in (folder / "err").read_text(encoding="utf-8")


async def _quickstart(curl: Curl) -> None:
    alice = curl.token("luoyang-state-tax", "lister", "alice")
    bob = curl.token("luoyang-state-tax", "approver", "bob")
    carol = curl.token("luoyang-state-tax", "repairer", "carol")
    commerce = curl.token("luoyang-commerce", "executor", "dave")
    reform = curl.token("luoyang-development-reform", "executor", "erin")

    # Publish: one officer drafts and submits, another approves.
    entry = curl.post(alice, "/initiator/v1/entries", "entry-1", ENTRY)["entry_id"]
    curl.post(alice, f"/initiator/v1/entries/{entry}/submit", "submit-1")
    assert curl.post(bob, f"/initiator/v1/entries/{entry}/approve", "approve-1")["status"] == "published"

    # Two departments find their tasks; one applies the first of its own.
    async def tasks(token: str, count: int) -> list[dict[str, Any]]:
        return await eventually(lambda: _of_entry(curl, token, entry, count), what="the tasks of the entry")

    task = (await tasks(commerce, 1))[0]["task_id"]
    assert {one["measure_id"] for one in await tasks(reform, 4)} == {"S000-001", "S000-002", "S000-004", "S000-010"}
    assert curl.post(commerce, f"/executor/v1/tasks/{task}/apply", "apply-1", {})["state"] == "applied"

    # The listing was wrong: it is revoked, and every department undoes or confirms that there is nothing to undo.
    revocation = {
        "entry_id": entry,
        "cause": "error",
        "reason": "示例：认定有误",
        "document_number": "示例税〔2025〕2号",
    }
    decision = curl.post(carol, "/repair/v1/revocations", "revoke-1", revocation)
    assert decision["status"] == "awaiting_confirmation"
    confirmed = curl.post(bob, f"/repair/v1/decisions/{decision['decision_id']}/confirm", "confirm-1")
    assert confirmed["status"] == "revoked"
    await eventually(lambda: _ask(curl, commerce, entry, "undo", 1))
    await eventually(lambda: _ask(curl, reform, entry, "confirm", 4))
    assert not curl.get(commerce, f"/feedback/v1/entries/{entry}/closure")["closed"]
    undoing = {"how": "restored", "evidence": "示例商〔2025〕3号"}
    curl.post(commerce, f"/executor/v1/tasks/{task}/undo", "undo-1", undoing)
    assert await _confirm_never_applied(curl, reform, entry) == 4
    closure = curl.get(alice, f"/feedback/v1/entries/{entry}/closure")
    others = {line["department"] for line in closure["lines"]} - {"luoyang-commerce", "luoyang-development-reform"}
    assert others == OTHERS
    for department in sorted(others):
        assert await _confirm_never_applied(curl, curl.token(department, "executor", department), entry)

    # Nothing is left in force, and the ledger of the entry shows it.
    await eventually(lambda: curl.get(alice, f"/feedback/v1/entries/{entry}/closure")["closed"])


async def _confirm_never_applied(curl: Curl, token: str, entry: str) -> int:
    """Answer all tasks of the entry in a department's worklist; returns their number."""
    tasks = await eventually(lambda: _all_ask_to_confirm(curl, token, entry), what="the tasks to confirm")
    answer = {"answer": "undo", "how": "never_applied", "evidence": "示例：未曾实施"}
    answers = [{"task_id": one["task_id"], **answer} for one in tasks]
    accepted = curl.post(token, "/executor/v1/tasks/answers", f"answers-{tasks[0]['task_id']}", {"answers": answers})[
        "accepted"
    ]
    assert accepted == len(answers)
    return accepted


def _all_ask_to_confirm(curl: Curl, token: str, entry: str) -> list[dict[str, Any]]:
    found = curl.get(token, f"/executor/v1/tasks?entry_id={entry}")["items"]
    return found if {one["asks"] for one in found} == {"confirm"} else []


def _of_entry(curl: Curl, token: str, entry: str, count: int) -> list[dict[str, Any]]:
    """The tasks of an entry in a department's worklist, once there are this many; otherwise empty."""
    found = curl.get(token, f"/executor/v1/tasks?entry_id={entry}")["items"]
    return found if len(found) == count else []


def _ask(curl: Curl, token: str, entry: str, what: str, count: int) -> bool:
    return [one["asks"] for one in _of_entry(curl, token, entry, count)] == [what] * count
