"""Texts for people, as data: every fault code has a title, a detail and a remedy in Chinese and in English.

A code without wording, or wording with a fact that the fault lacks, never breaks a response: it is logged and replaced by a
general text. A test over the sources finds such gaps first (tests/web/test_wording.py).
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Self, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.rejection import Fault, Named
from shared.web.language import Language, language

log = logging.getLogger(__name__)

SHARED = Path(__file__).parent / "wording"
"""Wording that services share."""

UNWORDED = "unworded"
"""The code whose wording replaces the wording of a code that has none."""


class Text(BaseModel):
    """One text in both languages; `{name}` is filled from the facts of the fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def in_language(self, chosen: Language) -> str:
        return self.zh if chosen is Language.ZH else self.en


class Phrase(BaseModel):
    """The wording of a code: what is wrong (title), why (detail), and what to do about it (remedy)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: int = Field(default=422, ge=400, le=599)
    retry_after: int | None = Field(default=None, ge=1, description="Seconds, for the header Retry-After")
    title: Text
    detail: Text
    remedy: Text


@dataclass(frozen=True, slots=True)
class Term:
    """A fact with its own wording, such as the reason why a token was refused."""

    code: str
    facts: Mapping[str, object] = field(default_factory=dict[str, object])


_DEFAULTS: dict[str, object] = {"reason": Term("invalid.other")}

DEFAULT_FACTS = frozenset({"field", "code", *_DEFAULTS})
"""Facts that every wording may use, even if the fault does not have them."""


class Wording:
    """All texts of one service. Build it with `Wording.load`."""

    def __init__(self, phrases: Mapping[str, Phrase], terms: Mapping[str, Text]) -> None:
        self.phrases = phrases
        self.terms = terms
        self._reported: set[str] = set()

    @classmethod
    def load(cls, paths: Iterable[Path] = ()) -> Self:
        """The shared wording and that of these files. Raises ValueError for a malformed file or a duplicate code.

        An item of a file with only `zh` and `en` is a term; any other item is a phrase.
        """
        phrases: dict[str, Phrase] = {}
        terms: dict[str, Text] = {}
        for path in (*sorted(SHARED.glob("*.yaml")), *paths):
            for code, item in _items(path).items():
                if code in phrases or code in terms:
                    raise ValueError(f"{path}: {code} already has wording")
                match _parse(path, code, item):
                    case Text() as text:
                        terms[code] = text
                    case Phrase() as phrase:
                        phrases[code] = phrase
        return cls(phrases, terms)

    def phrase(self, code: str) -> Phrase:
        """The wording of a code; the wording of `unworded` if it has none."""
        found = self.phrases.get(code)
        if found is None:
            self._report(f"no wording for {code}")
            return self.phrases[UNWORDED]
        return found

    def fill(self, text: Text, fault: Fault, chosen: Language | None = None) -> str:
        """The text in the chosen language (that of the request by default), with the facts of the fault."""
        facts = {**_DEFAULTS, "field": fault.field or "—", "code": fault.code, **fault.facts}
        return self._format(text, facts, chosen or language())

    def render(self, fault: Fault, chosen: Language | None = None) -> str:
        """One fault in one line, for a reject file: the field, what is wrong with it, and what to do."""
        phrase = self.phrase(fault.code)
        line = f"{self.fill(phrase.detail, fault, chosen)} {self.fill(phrase.remedy, fault, chosen)}"
        return f"{fault.field}: {line}" if fault.field else line

    def term(self, code: str, facts: Mapping[str, object], chosen: Language) -> str | None:
        """The wording of a term; None if it has none."""
        text = self.terms.get(code)
        return None if text is None else self._format(text, facts, chosen)

    def _format(self, text: Text, facts: Mapping[str, object], chosen: Language) -> str:
        template = text.in_language(chosen)
        if "{" not in template:
            return template
        values = {name: self._fact_text(facts.get(name), chosen) for name in names_in(template)}
        missing = values.keys() - facts.keys()
        if missing:
            self._report(f"no fact {sorted(missing)} for the wording {template!r}")
        return template.format_map(values)

    def _fact_text(self, fact: object, chosen: Language) -> str:
        """A fact as text for people: a term or an enumeration member by its wording, several values as a list."""
        match fact:
            case None:
                return "—"
            case Term():
                return self.term(fact.code, fact.facts, chosen) or fact.code
            case Named():
                return fact.zh if chosen is Language.ZH else fact.en
            case StrEnum():
                return self.term(f"{type(fact).__name__}.{fact.value}", {}, chosen) or fact.value
            case date():
                return fact.isoformat()
            case list() | tuple() | set() | frozenset():
                several = [self._fact_text(item, chosen) for item in cast("Iterable[object]", fact)]
                return ("、" if chosen is Language.ZH else ", ").join(several)
            case _:
                return str(fact)

    def _report(self, gap: str) -> None:
        """Log each gap in the wording once: it would repeat with every request."""
        if gap not in self._reported:
            self._reported.add(gap)
            log.warning("wording: %s", gap)


@cache
def names_in(template: str) -> frozenset[str]:
    """The facts that a template uses."""
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name)


def _items(path: Path) -> dict[str, dict[str, Any]]:
    content: object = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506 (a SafeLoader)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected a mapping of codes")
    items = cast("dict[object, object]", content)
    if not all(isinstance(code, str) and isinstance(item, dict) for code, item in items.items()):
        raise ValueError(f"{path}: every code must be text, with a mapping of wording")
    return cast("dict[str, dict[str, Any]]", items)


def _parse(path: Path, code: str, item: dict[str, Any]) -> Text | Phrase:
    try:
        return Text.model_validate(item) if item.keys() == {"zh", "en"} else Phrase.model_validate(item)
    except ValidationError as error:
        details = ", ".join(".".join(map(str, detail["loc"])) + " " + detail["msg"] for detail in error.errors())
        raise ValueError(f"{path}: {code}: {details} (put texts in quotes: a comma ends an unquoted text)") from None


class _UniqueKeys(yaml.CSafeLoader):
    """Refuses duplicate keys. YAML silently uses the last of two equal keys, and the wording of the first would be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [str(key.value) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"{node.start_mark.name}: {key} is a duplicate key")
        return super().construct_mapping(node, deep)
