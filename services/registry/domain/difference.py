"""The lines that should apply in a file by a law, compared with those that do.

The reason of a difference is not decided here: a listing or a correction (`deciding`), or a later law (`law_change`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from services.registry.domain.file import EntryInFile, LineInFile, SubjectFile
from services.registry.domain.law import Law
from services.registry.domain.resolution import (
    ALONE,
    Directive,
    FileContext,
    Refusal,
    domains_listed,
    is_punishment,
)
from services.registry.domain.resolver import resolve
from shared.contracts.event import DepartmentId, EntryId, LineId, ResponseId, SubjectKey
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import Origin, Subject
from shared.contracts.response import Line, PolicyUsed
from shared.ids import stable_id
from shared.rejection import reject


@dataclass(frozen=True, slots=True)
class Target:
    """The lines that should apply because of one entry, and the measures that were refused."""

    held: EntryInFile
    directives: Mapping[LineId, Directive]
    refusals: tuple[Refusal, ...]
    policies: tuple[PolicyUsed, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a law changes in a file: the lines that no entry supports any longer, and the lines that are missing."""

    targets: Mapping[EntryId, Target]
    gone: tuple[LineInFile, ...]
    new: tuple[tuple[EntryId, LineId, Directive], ...]

    def __bool__(self) -> bool:
        return bool(self.gone or self.new)

    @property
    def entries(self) -> tuple[EntryId, ...]:
        touched = {line.entry_id for line in self.gone} | {entry_id for entry_id, _, _ in self.new}
        return tuple(entry_id for entry_id in self.targets if entry_id in touched)


def difference(file: SubjectFile, law: Law, validated_by: int | None = None) -> Difference:
    """What `law` changes in the file. `validated_by`: judge every entry as if this version of the book had validated it."""
    targets = {entry_id: _target(file, held, law, validated_by) for entry_id, held in file.entries.items()}
    gone = tuple(
        line
        for line in file.lines.values()
        if line.ended is None and line.line_id not in targets[line.entry_id].directives
    )
    new = tuple(
        (entry_id, line_id, directive)
        for entry_id, target in targets.items()
        for line_id, directive in target.directives.items()
        if line_id not in file.lines
    )
    return Difference(targets, gone, new)


def _target(file: SubjectFile, held: EntryInFile, law: Law, validated_by: int | None) -> Target:
    if not held.active:
        return Target(held, {}, (), ())
    version = held.validated_by if validated_by is None else validated_by
    resolution = resolve(held.entry, held.roles, _context(file, held), law, version)
    lines = _Lines.of(file, held.entry.entry_id)
    directives = {lines.id_of(directive): directive for directive in resolution.directives}
    return Target(held, directives, resolution.refusals, resolution.policies)


def _context(file: SubjectFile, held: EntryInFile) -> FileContext:
    if len(file.entries) == 1:
        return ALONE
    kind = held.entry.list_kind
    also_on = frozenset(
        other.list_kind
        for other in file.active_entries
        if other.entry_id != held.entry.entry_id and other.origin is not Origin.THIRD_PARTY
    )
    # Lists of third parties do not count, so an entry of one may be on no list that counts.
    count = max(1, domains_listed(file.active_entries, kind))
    return FileContext(count, also_on if kind is ListKind.RED else frozenset())


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of one entry in a file, by department and measure."""

    entry_id: EntryId
    subject: SubjectKey
    active: Mapping[tuple[str, str], LineInFile]
    ended: Mapping[tuple[str, str], int]
    """How many such lines have ended."""

    @classmethod
    def of(cls, file: SubjectFile, entry_id: EntryId) -> "_Lines":
        active: dict[tuple[str, str], LineInFile] = {}
        ended: dict[tuple[str, str], int] = {}
        for line in file.lines_of(entry_id):
            key = (line.department, line.measure_id)
            if line.ended is None:
                active[key] = line
            else:
                ended[key] = ended.get(key, 0) + 1
        return cls(entry_id, subject_of(file).key, active, ended)

    def id_of(self, directive: Directive) -> LineId:
        """The id of the active line. Else an id made from entry, subject, department, measure and the number of ended lines.

        So a line that was ended is not revived, nor is one that a milder edition replaces.
        """
        key = (directive.department, directive.measure.measure_id)
        count = self.ended.get(key, 0)
        if (line := self.active.get(key)) is not None:
            if line.measure_version in (0, directive.measure.version):
                return line.line_id
            count += 1
        return LineId(stable_id("line", self.entry_id, self.subject, *key, str(count)))


def response_id(file: SubjectFile, entry_id: EntryId, department: DepartmentId) -> ResponseId:
    return ResponseId(stable_id("response", entry_id, subject_of(file).key, department))


def subject_of(file: SubjectFile) -> Subject:
    """Raises Rejected (`entry_not_in_file`) for an empty file."""
    if file.of is None:
        raise reject("entry_not_in_file")
    return file.of


def by_response(lines: Sequence[LineInFile]) -> Iterator[tuple[tuple[EntryId, DepartmentId], list[LineInFile]]]:
    """Lines by their response."""

    def response(line: LineInFile) -> tuple[EntryId, DepartmentId]:
        return line.entry_id, line.department

    for key, group in groupby(sorted(lines, key=response), response):
        yield key, list(group)


def new_by_response(
    new: Sequence[tuple[EntryId, LineId, Directive]], targets: Mapping[EntryId, Target]
) -> Iterator[tuple[tuple[EntryId, DepartmentId], tuple[Line, ...]]]:
    """Lines to be directed, by their response, in the order of the measures."""
    found: dict[tuple[EntryId, DepartmentId], list[Line]] = {}
    for entry_id, line_id, directive in new:
        judged_on = directive.milder_on or targets[entry_id].held.entry.decision.decided_on
        line = directive.line.model_copy(update={"line_id": line_id, "valid_on": judged_on})
        found.setdefault((entry_id, directive.department), []).append(line)
    for key, lines in found.items():
        yield key, tuple(lines)


def to_suspend(file: SubjectFile, targets: Mapping[EntryId, Target]) -> Iterator[tuple[bool, LineInFile]]:
    """Punishments that must be suspended (True, line) or resumed (False, line) to be as their entry; new ones included."""
    for entry_id, target in targets.items():
        suspended = target.held.suspended
        if not suspended and not file.lines:
            continue
        for line_id, directive in target.directives.items():
            line = file.lines.get(line_id)
            line_suspended = line is not None and line.suspended
            if is_punishment(directive.measure.kind) and suspended != line_suspended:
                known = line or LineInFile(
                    line_id, entry_id, directive.department, directive.measure.measure_id, directive.measure.kind
                )
                yield suspended, known._replace(suspended=suspended)
