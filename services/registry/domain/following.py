"""What should stand in a file by a law, against what does: the lines that follow, those that end, those that pause.

Nothing here decides why; `deciding` says what a difference means: a correction, a listing, a later law.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from services.registry.domain.file import EntryInFile, LineInFile, SubjectFile
from services.registry.domain.law import Law
from services.registry.domain.resolution import (
    ALONE,
    Beside,
    Directive,
    Refusal,
    Resolution,
    domains_listed,
    is_punishment,
    resolve,
)
from shared.contracts.event import DepartmentId, EntryId, LineId, ResponseId, SubjectKey
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import Origin, Subject
from shared.contracts.response import Line, PolicyUsed
from shared.ids import stable_id
from shared.rejection import reject

NOTHING = Resolution((), ())


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should stand because of one entry."""

    held: EntryInFile
    directives: Mapping[LineId, Directive]
    refusals: tuple[Refusal, ...]
    policies: tuple[PolicyUsed, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a law makes of a file: per entry the lines that nothing supports any longer, and those that are missing."""

    wanted: Mapping[EntryId, Wanted]
    gone: tuple[LineInFile, ...]
    new: tuple[tuple[EntryId, LineId, Directive], ...]

    def __bool__(self) -> bool:
        return bool(self.gone or self.new)

    @property
    def entries(self) -> tuple[EntryId, ...]:
        touched = {line.entry_id for line in self.gone} | {entry_id for entry_id, _, _ in self.new}
        return tuple(entry_id for entry_id in self.wanted if entry_id in touched)


def difference(file: SubjectFile, law: Law, since: int | None = None) -> Difference:
    """What `law` changes in the file. `since`: judge every entry as if it had been recorded by this version of the book."""
    wanted = {entry_id: _wanted(file, held, law, since) for entry_id, held in file.entries.items()}
    gone = tuple(
        line
        for line in file.lines.values()
        if line.ended is None and line.line_id not in wanted[line.entry_id].directives
    )
    new = tuple(
        (entry_id, line_id, directive)
        for entry_id, one in wanted.items()
        for line_id, directive in one.directives.items()
        if line_id not in file.lines
    )
    return Difference(wanted, gone, new)


def _wanted(file: SubjectFile, held: EntryInFile, law: Law, since: int | None) -> Wanted:
    if not held.stands:
        return Wanted(held, {}, (), ())
    resolution = resolve(held.entry, held.roles, _beside(file, held), law, held.since if since is None else since)
    named = _Lines.of(file, held.entry.entry_id)
    directives = {named.id_of(directive): directive for directive in resolution.directives}
    return Wanted(held, directives, resolution.refusals, resolution.policies)


def _beside(file: SubjectFile, held: EntryInFile) -> Beside:
    if len(file.entries) == 1:
        return ALONE
    kind = held.entry.list_kind
    also_on = frozenset(
        other.list_kind
        for other in file.standing
        if other.entry_id != held.entry.entry_id and other.origin is not Origin.THIRD_PARTY
    )
    # A list of a third party counts for nothing, so its own entry may stand on none.
    count = max(1, domains_listed(file.standing, kind))
    return Beside(count, also_on if kind is ListKind.RED else frozenset())


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of one entry in a file, by department and measure."""

    entry_id: EntryId
    subject: SubjectKey
    standing: Mapping[tuple[str, str], LineInFile]
    ended: Mapping[tuple[str, str], int]

    @classmethod
    def of(cls, file: SubjectFile, entry_id: EntryId) -> "_Lines":
        standing: dict[tuple[str, str], LineInFile] = {}
        ended: dict[tuple[str, str], int] = {}
        for line in file.lines_of(entry_id):
            key = (line.department, line.measure_id)
            if line.ended is None:
                standing[key] = line
            else:
                ended[key] = ended.get(key, 0) + 1
        return cls(entry_id, subject_of(file).key, standing, ended)

    def id_of(self, directive: Directive) -> LineId:
        """That of the line that stands. Else it follows from entry, subject, department and measure, and how often such a
        line has ended: what was ended is not revived; nor is a line that a milder edition replaces."""
        key = (directive.department, directive.measure.measure_id)
        count = self.ended.get(key, 0)
        if (line := self.standing.get(key)) is not None:
            if line.measure_version in (0, directive.measure.version):
                return line.line_id
            count += 1
        return LineId(stable_id("line", self.entry_id, self.subject, *key, str(count)))


def response_id(file: SubjectFile, entry_id: EntryId, department: DepartmentId) -> ResponseId:
    return ResponseId(stable_id("response", entry_id, subject_of(file).key, department))


def subject_of(file: SubjectFile) -> Subject:
    if file.of is None:
        raise reject("entry_not_in_file")
    return file.of


def by_response(lines: Sequence[LineInFile]) -> Iterator[tuple[tuple[EntryId, DepartmentId], list[LineInFile]]]:
    """Lines by the response that they belong to."""

    def response(line: LineInFile) -> tuple[EntryId, DepartmentId]:
        return line.entry_id, line.department

    for key, group in groupby(sorted(lines, key=response), response):
        yield key, list(group)


def new_by_response(
    new: Sequence[tuple[EntryId, LineId, Directive]], wanted: Mapping[EntryId, Wanted]
) -> Iterator[tuple[tuple[EntryId, DepartmentId], tuple[Line, ...]]]:
    """Lines to be directed, by their response, in the order in which the measures stand."""
    found: dict[tuple[EntryId, DepartmentId], list[Line]] = {}
    for entry_id, line_id, directive in new:
        judged_on = directive.milder_on or wanted[entry_id].held.entry.decision.decided_on
        line = directive.line.model_copy(update={"line_id": line_id, "valid_on": judged_on})
        found.setdefault((entry_id, directive.department), []).append(line)
    for key, lines in found.items():
        yield key, tuple(lines)


def to_pause(file: SubjectFile, wanted: Mapping[EntryId, Wanted]) -> Iterator[tuple[bool, LineInFile]]:
    """Punishments whose pause is not as the entry's: (whether it is to rest, line); new ones included."""
    for entry_id, one in wanted.items():
        suspended = one.held.suspended
        if not suspended and not file.lines:
            continue
        for line_id, directive in one.directives.items():
            line = file.lines.get(line_id)
            paused = line is not None and line.suspended
            if is_punishment(directive.measure.kind) and suspended != paused:
                known = line or LineInFile(
                    line_id, entry_id, directive.department, directive.measure.measure_id, directive.measure.kind
                )
                yield suspended, known._replace(suspended=suspended)
