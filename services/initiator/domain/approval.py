"""Who may publish, and when: the rules that an entry and an import share."""

from collections.abc import Collection, Iterable
from datetime import date
from enum import StrEnum

from services.initiator.domain.commands import Officer
from shared.contracts.event import DepartmentId, DomainId
from shared.contracts.listing import Entry, Origin
from shared.lawbook.book import LawBook
from shared.lawbook.entry_rules import named
from shared.lawbook.publishers import ToPublish, why_not_publisher
from shared.rejection import Fault, Rejected, reject
from shared.trust.principal import same_account


def require_another_officer(officers: Collection[str], by: Officer) -> None:
    """Four eyes: an officer who took part before does not publish. Raises Rejected: `four_eyes`."""
    if any(same_account(by.account, officer) for officer in officers):
        raise reject("four_eyes")


def entry_publisher_faults(entry: Entry, by: Officer, book: LawBook, today: date) -> list[Fault]:
    """`may_not_publish` if the department of the officer does not publish this entry. An unknown domain is skipped."""
    third_party = entry.origin is Origin.THIRD_PARTY
    return _publisher_faults([entry.domain_id], entry.initiated_by, entry.jurisdiction, by, book, today, third_party)


def import_publisher_faults(
    domains: Iterable[DomainId], department: DepartmentId, by: Officer, book: LawBook, today: date
) -> list[Fault]:
    """`may_not_publish` for each domain of the file of `department` in which the department of the officer does not publish.

    A file belongs to the region of the department that sent it. Unknown domains are skipped. Each row is judged again, with its
    own jurisdiction, when it is published.
    """
    sender = book.department(department)
    region, third_party = (sender.region, sender.is_third_party) if sender else ("", False)
    return _publisher_faults(domains, department, region, by, book, today, third_party)


def _publisher_faults(
    domains: Iterable[DomainId],
    initiated_by: DepartmentId,
    region: str,
    by: Officer,
    book: LawBook,
    today: date,
    third_party: bool,
) -> list[Fault]:
    faults: list[Fault] = []
    for domain in filter(None, map(book.domain, domains)):
        why = why_not_publisher(ToPublish(domain, initiated_by, region, third_party), by.department, book, today)
        if why is not None:
            faults.append(Fault("may_not_publish", None, {"domain": named(domain), "why": why, "region": region}))
    return faults


def wrong_step(status: StrEnum, *wanted: StrEnum) -> Rejected:
    """The command is not possible in this status. `wanted`: the statuses in which it is."""
    return reject("wrong_step", status=status, wanted=list(wanted))
