"""A draft of the law: items that a credit office intends to publish, to be rehearsed before."""

from collections.abc import Iterator, Sequence

from shared.contracts.policy import Policy
from shared.lawbook.book import LawBook
from shared.lawbook.items import SHAPES, Item, identity, kind_of, version_fault
from shared.lawbook.policy_faults import faults_of
from shared.rejection import Fault


def draft_faults(book: LawBook, items: Sequence[Item]) -> Iterator[Fault]:
    """Versions that do not follow the published one, and policies that contradict themselves.

    `version_not_next`, and the codes of `shared.lawbook.policy_faults`. Fields: `items[0].version`.
    """
    for nth, item in enumerate(items):
        path = f"items[{nth}]"
        if fault := version_fault(book.published(kind_of(item), identity(item)), item):
            yield Fault(fault.code, f"{path}.{fault.field}", fault.facts)
        if isinstance(item, Policy):
            yield from (Fault(fault.code, f"{path}.{fault.field}", fault.facts) for fault in faults_of(item))


def in_order(items: Sequence[Item]) -> list[Item]:
    """In an order in which references resolve."""
    order = {kind: nth for nth, kind in enumerate(SHAPES)}
    return sorted(items, key=lambda item: order[kind_of(item)])
