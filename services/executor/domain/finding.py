"""What a check finds: the measures that are due to the subject in the matter, and the lists that were searched.

A check without findings is no certificate of a clean record. It names the lists that it covers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from services.executor.domain.events import ActiveEntry, Barred, Hit, LinesDirected, ListName
from services.executor.domain.gate import refusal_reason
from services.executor.domain.task import AWAITING_ANSWER, IN_EFFECT, ON_OCCASION, TaskState
from shared.contracts.event import DepartmentId, EntryId
from shared.contracts.lawbook import (
    Duty,
    Force,
)
from shared.contracts.response import Line
from shared.lawbook.book import LawBook


@dataclass(frozen=True, slots=True)
class KnownLine:
    """A line about the subject, directed to any department, with its current state."""

    direction: LinesDirected
    line: Line
    state: TaskState
    suspended: bool
    ended: bool
    without_basis: bool = False
    """Its effect has no basis and must be undone."""


@dataclass(frozen=True, slots=True)
class Findings:
    """The result of a check (fields as in `CheckMade`)."""

    hits: tuple[Hit, ...]
    barred: tuple[Barred, ...]
    lists: tuple[ActiveEntry, ...]
    covers: tuple[ListName, ...]


_CAN_HIT = (AWAITING_ANSWER | IN_EFFECT) - {TaskState.FAILED}


def find(known: Sequence[KnownLine], department: DepartmentId, matter: str, book: LawBook, day: date) -> Findings:
    """Hits are occasion lines of this department, and entries are those of which it carries out measures: a check shows nothing
    of the matters of others."""
    due = [one for one in known if one.direction.department == department and _is_due(one, matter)]
    reasons = [(one, refusal_reason(one.line, book, day)) for one in due]
    return Findings(
        hits=tuple(_hit(one) for one, reason in reasons if reason is None),
        barred=tuple(
            Barred(line_id=one.line.line_id, measure_id=one.line.measure_id, reason=reason)
            for one, reason in reasons
            if reason is not None
        ),
        lists=_active_entries(one for one in known if one.direction.department == department),
        covers=covered_lists(department, book, day),
    )


def _is_due(known: KnownLine, matter: str) -> bool:
    return (
        known.line.works in ON_OCCASION
        and known.state in _CAN_HIT
        and not known.suspended
        and not known.ended
        and not known.without_basis
        and (not known.line.matters or matter in known.line.matters)
    )


def _hit(known: KnownLine) -> Hit:
    line, direction = known.line, known.direction
    return Hit(
        line_id=line.line_id,
        response_id=direction.response_id,
        entry_id=direction.entry_id,
        measure_id=line.measure_id,
        text_zh=line.text_zh,
        kind=line.kind,
        force=line.force,
        must=line.force is Force.MANDATORY and line.duty is Duty.OWED,
        instrument_id=line.instrument_id,
        basis=line.basis,
        until=direction.until,
    )


def _active_entries(known: Iterable[KnownLine]) -> tuple[ActiveEntry, ...]:
    """An entry is active while at least one of its lines has not ended."""
    found: dict[EntryId, ActiveEntry] = {}
    for one in known:
        if not one.ended:
            direction = one.direction
            found[direction.entry_id] = ActiveEntry(
                entry_id=direction.entry_id,
                list_kind=direction.list_kind,
                domain_id=direction.domain_id,
                entry_subject=direction.entry_subject,
                until=direction.until,
            )
    return tuple(found[entry_id] for entry_id in sorted(found))


def covered_lists(department: DepartmentId, book: LawBook, day: date) -> tuple[ListName, ...]:
    """The lists on which the department has published measures to apply. A check can state "no record" for these only."""
    found = {
        (domain_id, kind)
        for domain_id, domain in book.domains.items()
        for kind in domain.lists
        for measure in book.measures_for(domain_id, kind, day)
        if department in measure.implementers and measure.published
    }
    return tuple(ListName(domain_id=domain_id, list_kind=kind) for domain_id, kind in sorted(found))
