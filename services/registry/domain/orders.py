"""The public events by which a file orders, changes and ends responses, one event for each department."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypedDict

from services.registry.domain.difference import (
    Difference,
    by_response,
    new_by_response,
    response_id,
    subject_of,
    to_suspend,
)
from services.registry.domain.file import LineInFile, SubjectFile
from services.registry.domain.resolution import Refusal
from shared.contracts.event import EntryId, Event, EventId, SubjectKey
from shared.contracts.response import (
    EndMode,
    RefusedMeasure,
    ResponseDirected,
    ResponseEnded,
    ResponseRefused,
    ResponseResumed,
    ResponseSuspended,
)


class Facts(TypedDict):
    """The fields that every event of the topic has."""

    entry_id: EntryId
    subject: SubjectKey
    lawbook_version: int
    list_event_id: EventId


@dataclass(frozen=True, slots=True)
class ByListEvent:
    """The orders follow from one list event."""

    list_event_id: EventId
    lawbook_version: int

    def facts(self, file: SubjectFile, entry_id: EntryId) -> Facts:
        return {
            "entry_id": entry_id,
            "subject": subject_of(file).key,
            "lawbook_version": self.lawbook_version,
            "list_event_id": self.list_event_id,
        }


@dataclass(frozen=True, slots=True)
class ByLaw:
    """The orders follow from a change of the law: each entry's own list event is processed again."""

    lawbook_version: int

    def facts(self, file: SubjectFile, entry_id: EntryId) -> Facts:
        own = file.entries[entry_id].list_event_id
        assert own is not None  # every recorded entry has it
        return ByListEvent(own, self.lawbook_version).facts(file, entry_id)


Source = ByListEvent | ByLaw


def ended(
    file: SubjectFile, lines: Sequence[LineInFile], source: Source, mode: EndMode, reason: str
) -> Iterator[Event]:
    for (entry_id, department), group in by_response(lines):
        yield ResponseEnded(
            **source.facts(file, entry_id),
            response_id=response_id(file, entry_id, department),
            department=department,
            lines=tuple(line.line_id for line in group),
            mode=mode,
            reason=reason,
        )


def directed(file: SubjectFile, found: Difference, source: Source) -> Iterator[Event]:
    """The new lines."""
    for (entry_id, department), lines in new_by_response(found.new, found.targets):
        entry = found.targets[entry_id].held.entry
        yield ResponseDirected(
            **source.facts(file, entry_id),
            response_id=response_id(file, entry_id, department),
            department=department,
            of=subject_of(file),
            list_kind=entry.list_kind,
            domain_id=entry.domain_id,
            entry_subject=entry.subject.key,
            jurisdiction=entry.jurisdiction,
            until=entry.term_to,
            lines=lines,
            policies=found.targets[entry_id].policies,
        )


def refused(file: SubjectFile, entry_id: EntryId, refusals: Sequence[Refusal], source: Source) -> Iterator[Event]:
    """The measures that the basis gate refused, in one event."""
    if refusals:
        measures = tuple(
            RefusedMeasure(
                measure_id=refusal.measure.measure_id,
                measure_version=refusal.measure.version,
                instrument_id=refusal.measure.instrument_id,
                reason=refusal.reason,
            )
            for refusal in refusals
        )
        yield ResponseRefused(**source.facts(file, entry_id), refused=measures)


def suspended_or_resumed(file: SubjectFile, found: Difference, source: Source, reason: str) -> Iterator[Event]:
    """Punishments of a suspended entry are suspended, new ones included; those of a resumed entry are resumed."""
    changed = list(to_suspend(file, found.targets))
    for suspend, kind in ((True, ResponseSuspended), (False, ResponseResumed)):
        for (entry_id, department), lines in by_response(
            [line for to_be_suspended, line in changed if to_be_suspended is suspend]
        ):
            yield kind(
                **source.facts(file, entry_id),
                response_id=response_id(file, entry_id, department),
                department=department,
                lines=tuple(line.line_id for line in lines),
                reason=reason,
            )
