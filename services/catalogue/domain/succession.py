"""The versions of an item are numbered without gaps, and their periods do not overlap."""

from collections.abc import Iterator
from datetime import date

from shared.lawbook.book import LawBook
from shared.lawbook.items import Item, begins, ends, identity, kind_of, shape_of, version_fault, version_of
from shared.rejection import Fault


def succession(book: LawBook, before: Item | None, item: Item) -> Iterator[Fault]:
    """Every fault of an item as the successor of `before`, which has the same id."""
    yield from _ends_after_it_begins(item)
    if fault := version_fault(before, item):
        yield fault
    elif before is not None:
        yield from _after(book, before, item)


def _ends_after_it_begins(item: Item) -> Iterator[Fault]:
    beginning, end = begins(item), ends(item)
    if beginning is not None and end is not None and end < beginning:
        yield Fault("end_before_start", shape_of(item).ends)


def _after(book: LawBook, before: Item, item: Item) -> Iterator[Fault]:
    """A version begins on the first day of its predecessor (it corrects it) or later, and after the end of it, if it has one."""
    beginning, began = begins(item), begins(before)
    ended = _last_day(book, before)
    if beginning is None or began is None:
        return
    if beginning < began:
        yield Fault("versions_overlap", shape_of(item).begins, {"version": version_of(before), "day": began})
    elif ended is not None and beginning <= ended:
        yield Fault("versions_overlap", shape_of(item).begins, {"version": version_of(before), "day": ended})


def _last_day(book: LawBook, item: Item) -> date | None:
    days = [day for day in (ends(item), book.last_day(kind_of(item), identity(item))) if day is not None]
    return min(days, default=None)
