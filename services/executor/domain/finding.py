"""What a check finds: which measures are due to this subject on this occasion, and what the absence of any means.

An empty answer is not a certificate of a clean record: it says of which lists it speaks, and as of when.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from services.executor.domain.events import Barred, Hit, LinesDirected, ListName, Standing
from services.executor.domain.gate import barred
from services.executor.domain.task import AWAITING, IN_EFFECT, TaskState
from shared.contracts.event import DepartmentId, EntryId
from shared.contracts.lawbook import Duty, Force, Works
from shared.contracts.response import Line
from shared.lawbook.book import LawBook


@dataclass(frozen=True, slots=True)
class KnownLine:
    """A line about the subject, directed to any department, as it stands."""

    direction: LinesDirected
    line: Line
    state: TaskState
    suspended: bool
    ended: bool


@dataclass(frozen=True, slots=True)
class Found:
    hits: tuple[Hit, ...]
    barred: tuple[Barred, ...]
    lists: tuple[Standing, ...]
    covers: tuple[ListName, ...]


_ON_OCCASION = frozenset({Works.OCCASION, Works.ACT_AND_OCCASION})
_LIVE = (AWAITING | IN_EFFECT) - {TaskState.FAILED}


def find(known: Sequence[KnownLine], department: DepartmentId, matter: str, book: LawBook, day: date) -> Found:
    """Hits are this department's occasion lines; lists are those of all departments that this executor serves."""
    due = [one for one in known if one.direction.department == department and _is_due(one, matter)]
    reasons = [(one, barred(one.line, book, day)) for one in due]
    return Found(
        hits=tuple(_hit(one) for one, reason in reasons if reason is None),
        barred=tuple(
            Barred(line_id=one.line.line_id, measure_id=one.line.measure_id, reason=reason)
            for one, reason in reasons
            if reason is not None
        ),
        lists=_standing(known),
        covers=covered(department, book, day),
    )


def _is_due(one: KnownLine, matter: str) -> bool:
    return (
        one.line.works in _ON_OCCASION
        and one.state in _LIVE
        and not one.suspended
        and not one.ended
        and (not one.line.matters or matter in one.line.matters)
    )


def _hit(one: KnownLine) -> Hit:
    line, direction = one.line, one.direction
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


def _standing(known: Iterable[KnownLine]) -> tuple[Standing, ...]:
    """An entry stands as long as any line of it does."""
    found: dict[EntryId, Standing] = {}
    for one in known:
        if not one.ended:
            direction = one.direction
            found[direction.entry_id] = Standing(
                entry_id=direction.entry_id,
                list_kind=direction.list_kind,
                domain_id=direction.domain_id,
                entry_subject=direction.entry_subject,
                until=direction.until,
            )
    return tuple(found[entry_id] for entry_id in sorted(found))


def covered(department: DepartmentId, book: LawBook, day: date) -> tuple[ListName, ...]:
    """The lists on which the department has published measures to apply: only of these can it be told anything."""
    found = {
        (domain_id, kind)
        for domain_id, domain in book.domains.items()
        for kind in domain.lists
        for measure in book.measures_for(domain_id, kind, day)
        if department in measure.implementers and measure.published
    }
    return tuple(ListName(domain_id=domain_id, list_kind=kind) for domain_id, kind in sorted(found))
