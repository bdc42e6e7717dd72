"""What is said to people, as data: every code has a title, a detail and a remedy in Chinese and in English.

A code without wording, or wording that names a fact which the fault lacks, never breaks an answer: it is logged and
answered in general terms, and a test over the sources finds it before a person does.
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
"""Wording that belongs to no single service."""

UNWORDED = "unworded"
"""The code whose wording stands in for a code that has none."""


class Text(BaseModel):
    """One text in both languages; `{name}` is filled from the facts of the fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def spoken(self, chosen: Language) -> str:
        return self.zh if chosen is Language.ZH else self.en


class Phrase(BaseModel):
    """The wording of a code: what is wrong (title), why (detail), and what to do about it (remedy)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: int = Field(default=422, ge=400, le=599)
    retry_after: int | None = Field(default=None, ge=1, description="Seconds, for the header of that name")
    title: Text
    detail: Text
    remedy: Text


@dataclass(frozen=True, slots=True)
class Term:
    """A fact that has wording of its own, such as the reason for which a token was refused."""

    code: str
    facts: Mapping[str, object] = field(default_factory=dict[str, object])


_ALWAYS: dict[str, object] = {"reason": Term("invalid.other")}

GIVEN = frozenset({"field", "code", *_ALWAYS})
"""Facts that every wording can name, whether or not the fault brings them."""


class Wording:
    """All that one service can say. Build it with `Wording.load`."""

    def __init__(self, phrases: Mapping[str, Phrase], terms: Mapping[str, Text]) -> None:
        self.phrases = phrases
        self.terms = terms
        self._reported: set[str] = set()

    @classmethod
    def load(cls, paths: Iterable[Path] = ()) -> Self:
        """The shared wording and that of the files given. Raises ValueError for a malformed file or a code given twice.

        In a file, an item of only `zh` and `en` is a term; any other is a phrase.
        """
        phrases: dict[str, Phrase] = {}
        terms: dict[str, Text] = {}
        for path in (*sorted(SHARED.glob("*.yaml")), *paths):
            for code, item in _items(path).items():
                if code in phrases or code in terms:
                    raise ValueError(f"{path}: {code} has wording already")
                match _read(path, code, item):
                    case Text() as text:
                        terms[code] = text
                    case Phrase() as phrase:
                        phrases[code] = phrase
        return cls(phrases, terms)

    def phrase(self, code: str) -> Phrase:
        """The wording of a code; that of `unworded` when there is none."""
        found = self.phrases.get(code)
        if found is None:
            self._report(f"no wording for {code}")
            return self.phrases[UNWORDED]
        return found

    def fill(self, text: Text, fault: Fault, chosen: Language | None = None) -> str:
        """The text in the chosen language (that of the request by default), with the facts of the fault."""
        spoken = chosen or language()
        facts = {**_ALWAYS, "field": fault.field or "—", "code": fault.code, **fault.facts}
        return self._format(text, facts, spoken)

    def render(self, fault: Fault, chosen: Language | None = None) -> str:
        """One fault in one line, for a reject file or a form: the field, what is wrong with it, and what to do."""
        phrase = self.phrase(fault.code)
        said = f"{self.fill(phrase.detail, fault, chosen)} {self.fill(phrase.remedy, fault, chosen)}"
        return f"{fault.field}: {said}" if fault.field else said

    def term(self, code: str, facts: Mapping[str, object], chosen: Language) -> str | None:
        """The wording of a term; None when it has none."""
        text = self.terms.get(code)
        return None if text is None else self._format(text, facts, chosen)

    def _format(self, text: Text, facts: Mapping[str, object], chosen: Language) -> str:
        template = text.spoken(chosen)
        if "{" not in template:
            return template
        given = {name: self._spoken(facts.get(name), chosen) for name in names_in(template)}
        missing = given.keys() - facts.keys()
        if missing:
            self._report(f"no fact {sorted(missing)} for the wording {template!r}")
        return template.format_map(given)

    def _spoken(self, fact: object, chosen: Language) -> str:
        """A fact as people read it: a term or a member of an enumeration by its wording, several in a list."""
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
                several = [self._spoken(one, chosen) for one in cast("Iterable[object]", fact)]
                return ("、" if chosen is Language.ZH else ", ").join(several)
            case _:
                return str(fact)

    def _report(self, what: str) -> None:
        """Log it once: a gap in the wording is met again with every request."""
        if what not in self._reported:
            self._reported.add(what)
            log.warning("wording: %s", what)


@cache
def names_in(template: str) -> frozenset[str]:
    """The facts that a template asks for."""
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name)


def _items(path: Path) -> dict[str, dict[str, Any]]:
    read: object = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506 (a SafeLoader)
    if read is None:
        return {}
    if not isinstance(read, dict):
        raise ValueError(f"{path}: expected a mapping of codes")
    items = cast("dict[object, object]", read)
    if not all(isinstance(code, str) and isinstance(item, dict) for code, item in items.items()):
        raise ValueError(f"{path}: every code must be text, with a mapping of wording")
    return cast("dict[str, dict[str, Any]]", items)


def _read(path: Path, code: str, item: dict[str, Any]) -> Text | Phrase:
    try:
        return Text.model_validate(item) if item.keys() == {"zh", "en"} else Phrase.model_validate(item)
    except ValidationError as error:
        where = ", ".join(".".join(map(str, found["loc"])) + " " + found["msg"] for found in error.errors())
        raise ValueError(f"{path}: {code}: {where} (put every text in quotes: a comma ends one without)") from None


class _UniqueKeys(yaml.CSafeLoader):
    """YAML lets the last of two equal keys win in silence; here that would lose somebody's wording."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [str(key.value) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"{node.start_mark.name}: {key} is given twice")
        return super().construct_mapping(node, deep)
