"""The texts of the demo, which are data: `wording.yaml`. Chinese and English are printed together; no setting is needed."""

from functools import cache
from pathlib import Path
from typing import cast

import yaml


@cache
def _texts() -> dict[str, dict[str, str]]:
    read: object = yaml.safe_load(Path(__file__).with_name("wording.yaml").read_text(encoding="utf-8"))
    return cast("dict[str, dict[str, str]]", read)


def word(code: str, **facts: object) -> str:
    """`中文 / English`, with the facts filled in."""
    text = _texts()[code]
    return f"{text['zh']} / {text['en']}".format(**facts)


def heading(code: str) -> str:
    """The same on two lines, for the heading of a narrow column."""
    text = _texts()[code]
    return f"{text['zh']}\n{text['en']}"
