"""A rehearsal (N6): what a draft of the law would change for whom. Pure; nothing is decided and nothing is noted.

Two questions can be asked. If it were published now: then a decision of before is reached only where the draft is milder,
just as when it is published in earnest. Had it been in force, from the day that it names on: then every entry is judged as
if the draft had been known when it was listed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.registry.domain.file import SubjectFile
from services.registry.domain.following import Wanted, difference
from services.registry.domain.law import Law, law_on
from shared.contracts.event import DepartmentId, EntryId, MeasureId
from shared.contracts.listing import Entry
from shared.contracts.policy import Policy
from shared.contracts.response import RefusalReason
from shared.lawbook.book import LawBook
from shared.lawbook.items import SHAPES, Item, identity, kind_of, publications, version_of
from shared.lawbook.policy import Question, faults_of, governing
from shared.rejection import Fault


class Mode(StrEnum):
    PUBLISHED_NOW = "published_now"
    HAD_BEEN_IN_FORCE = "had_been_in_force"


class What(StrEnum):
    ADDED = "added"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The present law, and the draft, as of the same day."""

    present: Law
    draft: Law
    mode: Mode

    @classmethod
    def of(cls, book: LawBook, items: Sequence[Item], today: date, mode: Mode) -> "Rehearsed":
        draft = book.with_changes(publications(items, book.version))
        return cls(law_on(book, today), law_on(draft, today), mode)


@dataclass(frozen=True, slots=True)
class Changed:
    """One line that the draft adds or takes away."""

    entry: Entry
    department: DepartmentId
    measure_id: str
    measure_version: int
    what: What
    reason: str


def lines_changed(file: SubjectFile, by: Rehearsed) -> list[Changed]:
    """What the draft changes in a file, compared with what should stand by the present law."""
    if not file.entries:
        return []
    now = _wanted(file, by.present, by.mode)
    then = _wanted(file, by.draft, by.mode)
    found: list[Changed] = []
    for entry_id, before in now.items():
        found += _compared(before, then[entry_id])
    return found


def _wanted(file: SubjectFile, law: Law, mode: Mode) -> Mapping[EntryId, Wanted]:
    return difference(file, law, law.book.version if mode is Mode.HAD_BEEN_IN_FORCE else None).wanted


_Line = tuple[DepartmentId, MeasureId, int]


def _compared(before: Wanted, after: Wanted) -> Iterator[Changed]:
    entry = before.held.entry
    old, new = _lines(before), _lines(after)
    if old == new:
        return
    why = {refusal.measure.measure_id: refusal.reason for refusal in after.refusals}
    for line in sorted(old - new):
        yield Changed(entry, *line, What.ENDED, why.get(line[1], RefusalReason.NO_LONGER_FOLLOWS))
    for line in sorted(new - old):
        yield Changed(entry, *line, What.ADDED, "")


def _lines(wanted: Wanted) -> set[_Line]:
    return {(d.department, d.measure.measure_id, d.measure.version) for d in wanted.directives.values()}


def settings_changed(entry: Entry, by: Rehearsed, today: date) -> frozenset[str]:
    """The settings of policies that would govern this entry otherwise, an act of today presumed."""
    asked = Question(entry.jurisdiction, entry.domain_id, entry.decision.decided_on, today)
    key = ("settings changed", asked, by.present.book.version)
    answers = by.draft.book.answers
    if (known := answers.get(key)) is None:
        now, then = (_values(law.book, asked) for law in (by.present, by.draft))
        answers[key] = known = frozenset(
            n for n in now.keys() | then.keys() if now.get(n, _UNSAID) != then.get(n, _UNSAID)
        )
    return known


_UNSAID = object()


def _values(book: LawBook, asked: Question) -> dict[str, object]:
    return {f"{ruling.group}.{ruling.name}": ruling.setting.value for ruling in governing(book, asked).rulings}


def draft_faults(book: LawBook, items: Sequence[Item]) -> Iterator[Fault]:
    """What keeps a draft from being rehearsed: versions that do not follow, and policies that contradict themselves."""
    for nth, item in enumerate(items):
        path = f"items[{nth}]"
        version = version_of(item)
        if version is not None:
            latest = book.published(kind_of(item), identity(item))
            expected = (version_of(latest) or 0) + 1 if latest else 1
            if version != expected:
                yield Fault("draft_version_not_next", f"{path}.version", {"expected": expected, "given": version})
        if isinstance(item, Policy):
            yield from (Fault(fault.code, f"{path}.{fault.field}", fault.facts) for fault in faults_of(item))


def in_order(items: Sequence[Item]) -> list[Item]:
    """In an order in which references resolve."""
    order = {kind: nth for nth, kind in enumerate(SHAPES)}
    return sorted(items, key=lambda item: order[kind_of(item)])
