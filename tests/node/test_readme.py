"""The script of the README, run unchanged by bash, twice in a row, in both languages' versions."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.harness import eventually
from tests.node.sandbox import sandbox
from tests.stacks import Addresses

ROOT = Path(__file__).parent.parent.parent
READMES = ("README.md", "README.zh-CN.md")


def script(readme: str) -> str:
    """The one shell block of a README."""
    [block] = re.findall(r"^```bash\n(.*?)^```$", (ROOT / readme).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return block


def without_comments(text: str) -> list[str]:
    return [re.sub(r"(^|\s+)# .*", "", line) for line in text.splitlines()]


def test_both_readmes_have_the_same_script() -> None:
    assert without_comments(script(READMES[0])) == without_comments(script(READMES[1]))


async def test_the_script_of_the_readme_can_be_run_twice(stack: Addresses, tmp_path: Path) -> None:
    async with sandbox(stack, tmp_path) as here:
        process = await here.begin("up", "--port", "0", "--folder", str(tmp_path))
        try:
            address = await eventually(here.address, seconds=60)
            await eventually(lambda: "ready" in (tmp_path / "err").read_text(encoding="utf-8"), seconds=60)
            for readme in READMES:
                output = run(script(readme), str(address), here.home.trust)
                assert output[:2] == ["submitted", "published"]
                assert output[2] in {"applied", "armed"}
                assert output[3] == "revoked"
                assert output[-1] == "closed", output
        finally:
            process.terminate()
            await here.ended(process)


def run(text: str, host: str, trust: Path) -> list[str]:
    """The words that the script prints. Any output on standard error fails the test: a traceback, a refusal."""
    environment = os.environ | {"HOST": host, "LIANDONG_TRUST_FOLDER": str(trust)}
    command = ["bash", "-c", text]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    if ended.returncode or ended.stderr:
        pytest.fail(f"{ended.returncode}\n{ended.stdout}\n{ended.stderr}")
    return ended.stdout.split()
