"""By which law something is concluded: a law book, and the last day until today on which anything in it begins or ends.

Between two such days nothing changes: whatever is concluded by a law is concluded once for all of them, and a file that was
resolved by this law need not be looked at again. When the day passes on which something begins or ends, the law is another.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from shared.lawbook.book import LawBook

_DAYS = "days on which the law changes"


@dataclass(frozen=True)
class Law:
    book: LawBook
    day: date

    @cached_property
    def key(self) -> tuple[int, date]:
        """Names the law: the same key, the same answers."""
        return self.book.version, self.day


def law_on(book: LawBook, today: date) -> Law:
    """The law of today."""
    key = (_DAYS, today)
    if (known := book.answers.get(key)) is not None:
        return known
    found = bisect_right(days := law_days(book), today)
    book.answers[key] = law = Law(book, days[found - 1] if found else date.min)
    return law


def span_as_of(book: LawBook, version: int, day: date) -> tuple[int, date]:
    """Names the law of a day as an earlier version of the book had it, without having to make that book again."""
    if version >= book.version:
        return law_on(book, day).key
    if (days := book.answers.get((_DAYS, version))) is None:
        book.answers[_DAYS, version] = days = law_days(book.as_of(version))
    found = bisect_right(days, day)
    return version, days[found - 1] if found else date.min


def law_days(book: LawBook) -> list[date]:
    """The days on which an instrument, a measure, a basis or a policy begins, or is over, in order."""
    known = book.answers.get(_DAYS)
    if known is None:
        book.answers[_DAYS] = known = sorted(set(_boundaries(book)))
    return known


def _boundaries(book: LawBook) -> Iterator[date]:
    for instrument in book.instruments:
        for version in book.instrument_versions(instrument.instrument_id):
            yield from _begins_and_is_over(version.in_force_from, version.in_force_to)
    for measure in book.measures:
        for edition in book.measure_versions(measure.measure_id):
            yield from _begins_and_is_over(edition.effective_from, edition.effective_to)
            for basis in edition.basis:
                yield from _begins_and_is_over(basis.valid_from, basis.valid_to)
    for policy in book.policies:
        for version in book.policy_versions(policy.policy_id):
            yield from _begins_and_is_over(version.effective_from, version.effective_to)


def _begins_and_is_over(begins: date, last_day: date | None) -> Iterator[date]:
    yield begins
    if last_day is not None and last_day < date.max:
        yield last_day + timedelta(days=1)
