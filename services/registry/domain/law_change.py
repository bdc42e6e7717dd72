"""What follows from a change of the law: what a later law removes ends from now on, what it mitigates is replaced."""

from collections.abc import Iterator

from services.registry.domain.difference import Difference, by_response, difference, new_by_response, response_id
from services.registry.domain.events import FileResolvedAgain
from services.registry.domain.file import SubjectFile
from services.registry.domain.law import Law
from services.registry.domain.orders import ByLaw, directed, ended, refused, suspended_or_resumed
from shared.contracts.event import EntryId, Event
from shared.contracts.response import EndMode, ResponseAmended

LAW_CHANGED = "law_changed"
"""The reason of what a later law removes or adds."""


def resolved_again(file: SubjectFile, law: Law) -> list[Event]:
    """The events that put `law` into effect in the file. Empty when nothing follows differently by it."""
    if file.law == law.key or not any(held.active for held in file.entries.values()):
        return []
    found = difference(file, law)
    if not found:
        return []
    before = file.law[0] if file.law else min(held.validated_by for held in file.entries.values())
    noted = FileResolvedAgain(
        before_lawbook_version=before, lawbook_version=law.book.version, law_day=law.day, entries=found.entries
    )
    return [noted, *_orders(file, found, law, before)]


def _orders(file: SubjectFile, found: Difference, law: Law, before: int) -> Iterator[Event]:
    source = ByLaw(law.book.version)
    yield from _amended(file, found, before, source)
    yield from ended(file, found.gone, source, EndMode.FROM_NOW, LAW_CHANGED)
    yield from directed(file, found, source)
    gone = {(line.entry_id, line.measure_id) for line in found.gone}
    for entry_id, target in found.targets.items():
        refusals = [refusal for refusal in target.refusals if (entry_id, refusal.measure.measure_id) in gone]
        yield from refused(file, entry_id, refusals, source)
    yield from suspended_or_resumed(file, found, source, LAW_CHANGED)


def _amended(file: SubjectFile, found: Difference, before: int, source: ByLaw) -> Iterator[Event]:
    """Each response that changes is amended, with the reason and the versions, before its lines end and begin."""
    removed = {key: tuple(line.line_id for line in lines) for key, lines in by_response(found.gone)}
    added = {key: tuple(line.line_id for line in lines) for key, lines in new_by_response(found.new, found.targets)}
    for entry_id, department in sorted({*removed, *(key for key in added if _is_open(file, *key))}):
        key = (entry_id, department)
        yield ResponseAmended(
            **source.facts(file, entry_id),
            response_id=response_id(file, entry_id, department),
            department=department,
            until=found.targets[entry_id].held.entry.term_to,
            reason=LAW_CHANGED,
            before_lawbook_version=before,
            ended=removed.get(key, ()),
            added=added.get(key, ()),
        )


def _is_open(file: SubjectFile, entry_id: EntryId, department: str) -> bool:
    """Whether the response exists: one that was never directed cannot be amended."""
    return any(line.department == department for line in file.lines_of(entry_id))
