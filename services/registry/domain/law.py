"""The law by which something is concluded: a law book, and the last day until today on which anything in it begins or ends.

Between two such days nothing changes. So a conclusion is valid for the whole span, and a file that was resolved by a law need
not be resolved by it again. When a day comes on which something begins or ends, the law is another one.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from shared.lawbook.book import LawBook
from shared.lawbook.memo import Memo

_MOST_REMEMBERED = 20_000


@dataclass(frozen=True)
class Law:
    """A law book as of a span of days; `day` is the first day of the span."""

    book: LawBook
    day: date

    @cached_property
    def key(self) -> tuple[int, date]:
        """Identifies the law: the same key, the same conclusions."""
        return self.book.version, self.day


class LawCalendar:
    """The days on which the law of one book changes."""

    def __init__(self, book: LawBook) -> None:
        self._book = book
        self._version = book.version
        self.days: Sequence[date] = sorted(set(_boundaries(book)))
        """The days on which an instrument, a measure, a basis or a policy begins, or is over, in order."""
        self._laws: Memo[date, Law] = Memo(_MOST_REMEMBERED)
        self._earlier_days: Memo[int, Sequence[date]] = Memo(_MOST_REMEMBERED)

    def law_on(self, day: date) -> Law:
        known = self._laws.get(day)
        return self._laws.keep(day, Law(self._book, _first_of_span(self.days, day))) if known is None else known

    def key_as_of(self, version: int, day: date) -> tuple[int, date]:
        """The key of the law of `day` in an earlier version of the book. Does not restore that version each time."""
        if version >= self._version:
            return self.law_on(day).key
        days = self._earlier_days.get(version)
        if days is None:
            days = self._earlier_days.keep(version, law_days(self._book.as_of(version)))
        return version, _first_of_span(days, day)


def law_on(book: LawBook, day: date) -> Law:
    """The law of a day."""
    return book.derived(LawCalendar).law_on(day)


def law_days(book: LawBook) -> Sequence[date]:
    """The days on which an instrument, a measure, a basis or a policy begins, or is over, in order."""
    return book.derived(LawCalendar).days


def _first_of_span(days: Sequence[date], day: date) -> date:
    found = bisect_right(days, day)
    return days[found - 1] if found else date.min


def _boundaries(book: LawBook) -> Iterator[date]:
    for instrument in book.instruments:
        for version in book.instrument_versions(instrument.instrument_id):
            yield from _first_day_and_day_after(version.in_force_from, version.in_force_to)
    for measure in book.measures:
        for edition in book.measure_versions(measure.measure_id):
            yield from _first_day_and_day_after(edition.effective_from, edition.effective_to)
            for basis in edition.basis:
                yield from _first_day_and_day_after(basis.valid_from, basis.valid_to)
    for policy in book.policies:
        for version in book.policy_versions(policy.policy_id):
            yield from _first_day_and_day_after(version.effective_from, version.effective_to)


def _first_day_and_day_after(begins: date, last_day: date | None) -> Iterator[date]:
    yield begins
    if last_day is not None and last_day < date.max:
        yield last_day + timedelta(days=1)
