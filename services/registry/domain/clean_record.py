"""A clean record (无不良信用记录, row 12): since when a subject has no bad entry, and the incentives that follow from that alone.

Judged by the lists that the registry holds, and nothing else: an answer names the lists and the time. An entry that was wrong
from the beginning does not count. After an entry was repaired or has ended, the years count from its end.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from services.registry.domain.candidates import stopped_by
from services.registry.domain.file import EntryInFile, SubjectFile
from services.registry.domain.resolution import is_punishment
from shared.contracts.lawbook import (
    Basis,
    ListKind,
    Measure,
)
from shared.contracts.listing import Origin
from shared.contracts.response import EndMode
from shared.lawbook.book import LawBook
from shared.lawbook.policy import Question, governing, value_of

BAD = (ListKind.BLACK, ListKind.WATCH)
"""The lists that make a record bad."""


@dataclass(frozen=True, slots=True)
class Incentive:
    """An incentive for a subject with a clean record of this many years, with its basis on the day."""

    measure: Measure
    basis: Basis
    years: int


def last_bad_record(file: SubjectFile, day: date) -> date | None:
    """The last day, until `day`, on which a bad entry was in force; None when there never was one."""
    days = [last for held in file.entries.values() if (last := _last_day(held, day)) is not None]
    return max(days, default=None)


def counts_as_bad(held: EntryInFile) -> bool:
    """Whether the entry makes a record bad, now or once: an entry that was wrong from the beginning never did."""
    entry = held.entry
    bad = entry.list_kind in BAD and entry.origin is not Origin.THIRD_PARTY
    return bad and not held.dropped and held.ended is not EndMode.FROM_BEGINNING


def _last_day(held: EntryInFile, day: date) -> date | None:
    entry = held.entry
    if not counts_as_bad(held) or entry.term_from > day:
        return None
    ends = [day]
    if held.ended_on is not None:
        ends.append(held.ended_on - timedelta(days=1))
    if entry.term_to is not None:
        ends.append(entry.term_to)
    return min(ends)


def clean_for(years: int, day: date, last_bad: date | None) -> bool:
    """Whether at least this many whole years lie between the last bad record and `day`."""
    if last_bad is None:
        return True
    if last_bad.year + years > date.max.year:
        return False
    leap_day = (last_bad.month, last_bad.day) == (2, 29)
    same_day = last_bad.replace(day=28) if leap_day else last_bad
    return same_day.replace(year=last_bad.year + years) < day


def incentives(book: LawBook, region: str, day: date, last_bad: date | None) -> tuple[Incentive, ...]:
    """The incentives of a subject without an entry whose record has been clean for long enough, by measure id.

    The years are those of the measure, and at least those of the policy of the region (连续三年).
    """
    regions = book.lineage(region)
    years = value_of(governing(book, Question(region, None, day, day)).substance.clean_record_years, 0)
    found: list[Incentive] = []
    for latest in book.clean_record_measures:
        measure = book.measure_on(latest.measure_id, day)
        if measure is None or measure.target.clean_record_years is None or is_punishment(measure.kind):
            continue
        instrument = book.instrument_on(measure.instrument_id, day)
        basis = next((basis for basis in measure.basis if basis.holds_on(day)), None)
        if instrument is None or basis is None or stopped_by(measure, instrument, basis, day):
            continue
        needed = max(measure.target.clean_record_years, years)
        if instrument.region in regions and clean_for(needed, day, last_bad):
            found.append(Incentive(measure, basis, needed))
    return tuple(found)
