"""What of a subject's file is shown to a department (rows 20, 24, 25, 28). Pure.

* Whole: to the departments that initiated, decided or published the entry, and to credit offices and auditors of its region.
* What its measures need: to a department that carries out a line of the entry. It sees that line, and no facts.
* What is public: to every department, of subjects that are not natural persons.

The last two are shown as long as the entry is in force and shared. What was repaired, expired or revoked, and what was so in the
past, is the authorised history: only for those who see the entry whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.registry.domain.file import EntryInFile, LineInFile, SubjectFile
from shared.contracts.event import DepartmentId, EntryId
from shared.contracts.lawbook import SubjectKind
from shared.contracts.listing import Entry, Suspends
from shared.lawbook.book import LawBook
from shared.lawbook.responsibility import answers_for, overseen_regions, reads_persons


class Extent(StrEnum):
    """How much of an entry is shown."""

    WHOLE = "whole"
    OWN_MEASURES = "own_measures"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Reader:
    """A department that reads. `oversees`: the regions of its credit office or auditor; empty for any other role."""

    department: DepartmentId
    oversees: frozenset[str]
    third_party: bool = False
    reads_persons: bool = True
    """False for a third party, unless the law book says otherwise."""

    def sees_whole(self, entry: Entry) -> bool:
        return answers_for(entry, self.department) or entry.jurisdiction in self.oversees


def reader(book: LawBook, department_id: DepartmentId, *, oversees: bool) -> Reader:
    """`oversees`: the caller has the role of a credit office or of an auditor."""
    department = book.department(department_id)
    third_party = department is None or department.is_third_party
    return Reader(
        department_id,
        overseen_regions(book, department_id) if oversees else frozenset(),
        third_party,
        reads_persons(book, department_id),
    )


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a file. `day`: what was in force then. `history`: also what is not in force any more."""

    day: date
    today: date
    known_at: datetime | None = None
    history: bool = False

    @property
    def is_about_the_past(self) -> bool:
        return self.history or self.known_at is not None or self.day < self.today


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """An entry in an answer, and how much of it."""

    held: EntryInFile
    extent: Extent
    in_force: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What of a file is shown."""

    entries: tuple[ShownEntry, ...]
    lines: tuple[LineInFile, ...]


def shown(file: SubjectFile, by: Reader, asked: Question) -> Shown:
    """The part of a file that this reader sees."""
    own = {line.entry_id for line in file.lines.values() if line.department == by.department and line.ended is None}
    entries = tuple(_entries(file, by, asked, own))
    extents = {one.held.entry.entry_id: one.extent for one in entries}
    return Shown(entries, tuple(line for line in file.lines.values() if _line_is_shown(line, by, asked, extents)))


def _entries(file: SubjectFile, by: Reader, asked: Question, own: set[EntryId]) -> Iterator[ShownEntry]:
    for entry_id, held in file.entries.items():
        in_force = held.in_force_on(asked.day)
        extent = _extent(held, by, asked.today, carried_out=entry_id in own)
        if extent is None or not (in_force or asked.history):
            continue
        if extent is Extent.WHOLE or (not asked.is_about_the_past and _is_shared(held, asked.today)):
            yield ShownEntry(held, extent, in_force)


def _extent(held: EntryInFile, by: Reader, today: date, *, carried_out: bool) -> Extent | None:
    """None: the reader sees nothing of the entry."""
    if by.sees_whole(held.entry):
        return Extent.WHOLE
    if carried_out:
        return Extent.OWN_MEASURES
    return Extent.PUBLIC if is_public(held, today) else None


def is_public(held: EntryInFile, today: date) -> bool:
    """Whether the entry is public today while it is in force: within its period of publicity, and not suspended.

    Nothing of a natural person is shown because it is public. An entry whose period is not decided yet is not public.
    """
    return (
        held.publicity is not None
        and held.publicity.shown_on(today)
        and held.entry.subject.kind is not SubjectKind.PERSON
        and not held.roles
        and Suspends.PUBLICITY not in held.suspends
    )


def _is_shared(held: EntryInFile, today: date) -> bool:
    return held.in_force_on(today) and Suspends.SHARING not in held.suspends


def _line_is_shown(line: LineInFile, by: Reader, asked: Question, extents: dict[EntryId, Extent]) -> bool:
    extent = extents.get(line.entry_id)
    if extent is Extent.WHOLE:
        return line.ended is None or asked.is_about_the_past
    return extent is Extent.OWN_MEASURES and line.department == by.department and line.ended is None
