"""The findings of the doctor. Their texts are data (findings.yaml), in Chinese and English."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml


@dataclass(frozen=True)
class Wording:
    """The texts of one kind of finding. `wrong`: it is a problem; otherwise it is reported for information."""

    wrong: bool
    zh: str
    en: str
    remedy_zh: str
    remedy_en: str


@dataclass(frozen=True)
class Finding:
    """One finding about a service, a topic, or the machine."""

    code: str
    about: str
    facts: tuple[tuple[str, object], ...] = ()

    @property
    def wording(self) -> Wording:
        return _wordings()[self.code]

    @property
    def wrong(self) -> bool:
        return self.wording.wrong

    def report(self) -> dict[str, Any]:
        """The finding with its texts filled in: the JSON output of the command."""
        service = self.about if "," not in self.about else "SERVICE"
        facts = {"about": service, **dict(self.facts)}
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


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Findings with equal code and facts become one finding about all their services. Problems come first."""
    about: dict[tuple[str, tuple[tuple[str, object], ...]], list[str]] = {}
    for finding in findings:
        about.setdefault((finding.code, finding.facts), []).append(finding.about)
    unique = [Finding(code, ", ".join(dict.fromkeys(names)), facts) for (code, facts), names in about.items()]
    return sorted(unique, key=lambda finding: not finding.wrong)


@cache
def _wordings() -> Mapping[str, Wording]:
    read = yaml.safe_load(Path(__file__).with_name("findings.yaml").read_text(encoding="utf-8"))
    return {code: Wording(**cast("dict[str, Any]", words)) for code, words in read.items()}
