"""Which items may be retired (退出), and when: none that others still depend on."""

from collections.abc import Iterator
from datetime import date

from services.catalogue.domain.content import Retirement
from shared.contracts.event import DepartmentId
from shared.contracts.lawbook import ItemKind
from shared.lawbook.book import LawBook
from shared.lawbook.items import SHAPES, begins
from shared.rejection import Fault

_AT_ONCE = frozenset({ItemKind.DEPARTMENTS, ItemKind.DOMAINS, ItemKind.MATTERS})
"""These have no period of validity: they exist or not. So they end today or earlier, not on a later day."""


def retiring(book: LawBook, end: Retirement, day: date) -> Iterator[Fault]:
    """Every fault of a retirement that is published on `day`."""
    item = book.published(end.kind, end.item_id)
    if item is None:
        yield Fault("unknown_item", "item_id", {"kind": end.kind, "id": end.item_id})
        return
    if not SHAPES[end.kind].ends:
        yield Fault("not_retirable", "kind", {"kind": end.kind})
        return
    if book.last_day(end.kind, end.item_id) is not None:
        yield Fault("retired_already", "item_id", {"day": book.last_day(end.kind, end.item_id)})
    beginning = begins(item)
    if beginning is not None and end.last_day < beginning:
        yield Fault("end_before_start", "last_day")
    if end.kind in _AT_ONCE and end.last_day > day:
        yield Fault("day_not_come", "last_day", {"today": day})
    if end.kind is ItemKind.DEPARTMENTS:
        yield from _still_named(book, DepartmentId(end.item_id), end.last_day)


def _still_named(book: LawBook, department: DepartmentId, last_day: date) -> Iterator[Fault]:
    """Measures, domains and bodies with one officer need another department first.

    A measure without implementers would be directed to no department, and decisions of a body would have no confirmation.
    """
    measures = [
        f"{ItemKind.MEASURES}/{measure.measure_id}"
        for measure in book.measures
        if measure.published
        and (measure.effective_to is None or measure.effective_to > last_day)
        and measure.implementers == (department,)
    ]
    domains = [
        f"{ItemKind.DOMAINS}/{domain.domain_id}"
        for domain in book.domains.values()
        if department in (*domain.may_list, *domain.may_decide, *domain.may_publish)
    ]
    confirmed = [
        f"{ItemKind.DEPARTMENTS}/{one.department_id}"
        for one in book.departments.values()
        if one.retired_on is None and department in one.confirmed_by
    ]
    if named := [*measures, *domains, *confirmed]:
        yield Fault("still_named", "item_id", {"by": named})
