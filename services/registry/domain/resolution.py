"""The result of resolving an entry: the measures that follow from it, and those that were refused, with the reason."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from shared.contracts.event import DepartmentId
from shared.contracts.lawbook import (
    ListKind,
    Measure,
    MeasureKind,
)
from shared.contracts.listing import Entry, Origin
from shared.contracts.response import Line, PolicyUsed, RefusalReason


@dataclass(frozen=True, slots=True)
class FileContext:
    """What else in the subject's file changes the measures that follow from an entry."""

    domains_listed: int = 1
    """On how many distinct domains' lists of this kind the subject is, this entry's included (row 8)."""
    also_on: frozenset[ListKind] = frozenset()
    """The lists on which the subject is by other entries."""


ALONE = FileContext()
"""The file has no other entry."""


@dataclass(frozen=True, slots=True)
class Directive:
    """A measure that one department must apply because of one entry."""

    department: DepartmentId
    measure: Measure
    line: Line
    """The line of the response. Its id and the day by which it was judged are filled in later."""
    milder_on: date | None = None
    """The day by which it was judged, when it is the milder edition of a later law; None: the day of the decision."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A measure that targets the subject and did not pass the basis gate."""

    measure: Measure
    reason: RefusalReason


@dataclass(frozen=True, slots=True)
class Resolution:
    directives: tuple[Directive, ...]
    refusals: tuple[Refusal, ...]
    policies: tuple[PolicyUsed, ...] = ()
    """The policies by which it was decided, those of today included when today's law was compared."""


def domains_listed(entries: Iterable[Entry], kind: ListKind) -> int:
    """The number of distinct domains among the entries on lists of one kind. Lists of third parties do not count."""
    return len({e.domain_id for e in entries if e.list_kind is kind and e.origin is not Origin.THIRD_PARTY})


def is_punishment(kind: MeasureKind) -> bool:
    """Suspension affects punishments only (row 16)."""
    return kind is MeasureKind.DISCIPLINE
