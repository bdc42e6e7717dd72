"""Who may publish, and when: the rules that an entry and an import share."""

from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum

from services.initiator.domain.commands import Officer
from shared.contracts.event import DomainId
from shared.lawbook.book import LawBook
from shared.lawbook.entry_rules import named, publishers
from shared.rejection import Fault, Rejected, reject


def require_another_officer(officers: Collection[str], by: Officer) -> None:
    """Four eyes: an officer who took part before does not publish. Raises Rejected: `four_eyes`."""
    if by.account in officers:
        raise reject("four_eyes")


def publisher_faults(
    domains: Iterable[DomainId], by: Officer, book: LawBook, field: str | None = None
) -> Iterator[Fault]:
    """`may_not_publish` for each domain in which the department of the officer does not publish. Unknown domains are skipped."""
    for domain_id in domains:
        domain = book.domain(domain_id)
        if domain is not None and by.department not in publishers(domain):
            yield Fault("may_not_publish", field, {"domain": named(domain)})


def wrong_step(status: StrEnum, *wanted: StrEnum) -> Rejected:
    """The command is not possible in this status. `wanted`: the statuses in which it is."""
    return reject("wrong_step", status=status, wanted=list(wanted))
