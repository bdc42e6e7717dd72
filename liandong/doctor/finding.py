"""What the doctor finds, in words: the wording is data (findings.yaml), in Chinese and English."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml


@dataclass(frozen=True)
class Wording:
    """A kind of finding. One that is not `wrong` is told, and all may be well."""

    wrong: bool
    zh: str
    en: str
    remedy_zh: str
    remedy_en: str


@dataclass(frozen=True)
class Finding:
    """One thing about a service, a topic, or the machine."""

    code: str
    about: str
    facts: tuple[tuple[str, object], ...] = ()

    @property
    def wording(self) -> Wording:
        return _wordings()[self.code]

    @property
    def wrong(self) -> bool:
        return self.wording.wrong

    def told(self) -> dict[str, Any]:
        """For programs, and for whoever prints it."""
        one = self.about if "," not in self.about else "SERVICE"
        facts = {"about": one, **dict(self.facts)}
        words = self.wording
        return {
            "code": self.code,
            "about": self.about,
            "wrong": words.wrong,
            "zh": words.zh.format_map(facts),
            "en": words.en.format_map(facts),
            "remedy_zh": words.remedy_zh.format_map(facts),
            "remedy_en": words.remedy_en.format_map(facts),
            "facts": {name: value if isinstance(value, int | float) else str(value) for name, value in self.facts},
        }


def found(code: str, about: str, **facts: object) -> Finding:
    return Finding(code, about, tuple(facts.items()))


def together(findings: Iterable[Finding]) -> list[Finding]:
    """What is wrong with several services for one reason is told once, of all of them; wrong things come first."""
    about: dict[tuple[str, tuple[tuple[str, object], ...]], list[str]] = {}
    for one in findings:
        about.setdefault((one.code, one.facts), []).append(one.about)
    merged = [Finding(code, ", ".join(dict.fromkeys(names)), facts) for (code, facts), names in about.items()]
    return sorted(merged, key=lambda one: not one.wrong)


@cache
def _wordings() -> Mapping[str, Wording]:
    read = yaml.safe_load(Path(__file__).with_name("findings.yaml").read_text(encoding="utf-8"))
    return {code: Wording(**cast("dict[str, Any]", words)) for code, words in read.items()}
