"""A rehearsal (N6): what a draft of the law would change for which entries. Pure; nothing is decided or recorded.

It has two modes. `published_now`: earlier decisions are reached only where the draft is milder, as when it is published in
fact. `had_been_in_force`: every entry is judged as if the draft had been known when it was listed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from services.registry.domain.difference import Target, difference
from services.registry.domain.file import SubjectFile
from services.registry.domain.law import Law, law_on
from shared.contracts.event import DepartmentId, EntryId, MeasureId
from shared.contracts.listing import Entry
from shared.contracts.response import RefusalReason
from shared.lawbook.book import LawBook
from shared.lawbook.items import Item, publications
from shared.lawbook.memo import Memo
from shared.lawbook.policy import Question, governing

_MOST_REMEMBERED = 20_000


class Mode(StrEnum):
    PUBLISHED_NOW = "published_now"
    HAD_BEEN_IN_FORCE = "had_been_in_force"


class What(StrEnum):
    ADDED = "added"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The present law and the law with the draft, as of the same day."""

    present: Law
    draft: Law
    mode: Mode
    _known_settings: Memo[Question, frozenset[str]] = field(
        default_factory=lambda: Memo[Question, frozenset[str]](_MOST_REMEMBERED), repr=False, compare=False
    )

    @classmethod
    def of(cls, book: LawBook, items: Sequence[Item], today: date, mode: Mode) -> "Rehearsal":
        draft = book.with_changes(publications(items, book.version))
        return cls(law_on(book, today), law_on(draft, today), mode)

    def lines_changed(self, file: SubjectFile) -> list["ChangedLine"]:
        """What the draft changes in a file, compared with what should apply by the present law."""
        if not file.entries:
            return []
        present, drafted = self._targets(file, self.present), self._targets(file, self.draft)
        return [line for entry_id, before in present.items() for line in _compared(before, drafted[entry_id])]

    def _targets(self, file: SubjectFile, law: Law) -> Mapping[EntryId, Target]:
        return difference(file, law, law.book.version if self.mode is Mode.HAD_BEEN_IN_FORCE else None).targets

    def settings_changed(self, entry: Entry, today: date) -> frozenset[str]:
        """The settings of policies that would have another value for this entry, assuming a procedural act of today."""
        asked = Question(entry.jurisdiction, entry.domain_id, entry.decision.decided_on, today)
        known = self._known_settings.get(asked)
        return self._known_settings.keep(asked, self._compare_settings(asked)) if known is None else known

    def _compare_settings(self, asked: Question) -> frozenset[str]:
        present, drafted = _values(self.present.book, asked), _values(self.draft.book, asked)
        names = present.keys() | drafted.keys()
        return frozenset(name for name in names if present.get(name, _NO_POLICY) != drafted.get(name, _NO_POLICY))


_NO_POLICY = object()
"""The value of a setting that no policy has."""


def _values(book: LawBook, asked: Question) -> dict[str, object]:
    return {f"{ruling.group}.{ruling.name}": ruling.setting.value for ruling in governing(book, asked).rulings}


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """One line that the draft adds or ends."""

    entry: Entry
    department: DepartmentId
    measure_id: str
    measure_version: int
    what: What
    reason: str


_Line = tuple[DepartmentId, MeasureId, int]


def _compared(before: Target, after: Target) -> Iterator[ChangedLine]:
    entry = before.held.entry
    old, new = _lines(before), _lines(after)
    if old == new:
        return
    reasons = {refusal.measure.measure_id: refusal.reason for refusal in after.refusals}
    for line in sorted(old - new):
        yield ChangedLine(entry, *line, What.ENDED, reasons.get(line[1], RefusalReason.NO_LONGER_FOLLOWS))
    for line in sorted(new - old):
        yield ChangedLine(entry, *line, What.ADDED, "")


def _lines(target: Target) -> set[_Line]:
    return {(d.department, d.measure.measure_id, d.measure.version) for d in target.directives.values()}
