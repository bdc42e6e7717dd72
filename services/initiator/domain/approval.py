"""Who may publish, and when: the rules that an entry and an import share."""

from collections.abc import Collection, Iterable
from enum import StrEnum

from services.initiator.domain.commands import Officer
from shared.contracts.event import DepartmentId, DomainId
from shared.contracts.lawbook import Domain
from shared.contracts.listing import Entry
from shared.lawbook.book import LawBook
from shared.lawbook.entry_rules import may_publish, named, publishers
from shared.rejection import Fault, Rejected, reject
from shared.trust.principal import same_account


def require_another_officer(officers: Collection[str], by: Officer) -> None:
    """Four eyes: an officer who took part before does not publish. Raises Rejected: `four_eyes`."""
    if any(same_account(by.account, officer) for officer in officers):
        raise reject("four_eyes")


def entry_publisher_faults(entry: Entry, by: Officer, book: LawBook) -> list[Fault]:
    """`may_not_publish` if the department of the officer does not publish this entry. An unknown domain is skipped."""
    domain = book.domain(entry.domain_id)
    if domain is None or may_publish(domain, by.department, entry, book):
        return []
    return [_may_not_publish(domain, "domain_id")]


def import_publisher_faults(
    domains: Iterable[DomainId], department: DepartmentId, by: Officer, book: LawBook
) -> list[Fault]:
    """`may_not_publish` for each domain of the file of `department` in which the department of the officer does not publish.

    Unknown domains are skipped. Each row is judged again, with its jurisdiction, when it is published.
    """
    known = [domain for domain_id in domains if (domain := book.domain(domain_id)) is not None]
    own = department == by.department
    return [
        _may_not_publish(domain, None)
        for domain in known
        if by.department not in (publishers(domain) if own else domain.may_publish)
    ]


def _may_not_publish(domain: Domain, field: str | None) -> Fault:
    return Fault("may_not_publish", field, {"domain": named(domain)})


def wrong_step(status: StrEnum, *wanted: StrEnum) -> Rejected:
    """The command is not possible in this status. `wanted`: the statuses in which it is."""
    return reject("wrong_step", status=status, wanted=list(wanted))
