"""Which department may approve and publish an entry, and so also see the waiting entries of others. One rule for both.

1. Where the policy of the region has the credit office publish the lists (004 四(二)), a credit office that is responsible for
   the region publishes, and no other department does. The same holds for a list of a third party that the policy publishes on
   the credit website (001 15).
2. Elsewhere a list of a third party is published by a second officer of the third party (row 24).
3. Elsewhere the department that initiated an entry publishes it, if the domain names it as publisher, or names no publisher and
   has it as a lister. Entries of others are published by a department that the domain names as publisher, in the regions that
   it is responsible for.

The policy is the one of the day on which the entry is approved (程序从新).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shared.contracts.event import DepartmentId, DomainId
from shared.contracts.lawbook import Domain
from shared.contracts.policy import ThirdPartyLists
from shared.lawbook.book import LawBook
from shared.lawbook.policy import procedure_of, value_of
from shared.lawbook.responsibility import is_credit_office_for, is_responsible, regions_of


class WhyNotPublisher(StrEnum):
    """Why a department may not publish an entry."""

    CREDIT_OFFICE_PUBLISHES = "credit_office_publishes"
    """A credit office that is responsible for the region publishes."""
    THIRD_PARTY_PUBLISHES = "third_party_publishes"
    """Another officer of the third party publishes."""
    NOT_A_PUBLISHER = "not_a_publisher"
    """The domain does not name the department, or the region is not one of its own."""


@dataclass(frozen=True, slots=True)
class ToPublish:
    """What is to be published: an entry, or a file of entries, with its region and the department that initiated it."""

    domain: Domain
    initiated_by: DepartmentId
    region: str
    third_party: bool


def why_not_publisher(what: ToPublish, department: DepartmentId, book: LawBook, today: date) -> WhyNotPublisher | None:
    """Why the department may not publish it; None when it may."""
    if _credit_office_publishes(what.domain.domain_id, what.region, book, today, third_party=what.third_party):
        own = is_credit_office_for(book, department, what.region)
        return None if own else WhyNotPublisher.CREDIT_OFFICE_PUBLISHES
    if what.third_party:
        return None if department == what.initiated_by else WhyNotPublisher.THIRD_PARTY_PUBLISHES
    if department == what.initiated_by:
        return None if department in publishers(what.domain) else WhyNotPublisher.NOT_A_PUBLISHER
    named = department in what.domain.may_publish and is_responsible(book, department, what.region)
    return None if named else WhyNotPublisher.NOT_A_PUBLISHER


def publishers(domain: Domain) -> tuple[DepartmentId, ...]:
    """The departments that may approve and publish in a domain; its listers where it names none (004 四(二))."""
    return domain.may_publish or domain.may_list


def publishes_for_others(department: DepartmentId, book: LawBook, today: date) -> Mapping[DomainId, frozenset[str]]:
    """Domain → the regions in which the department may publish entries of others. A credit office: every domain, its regions."""
    found = book.department(department)
    if found is None:
        return {}
    regions = regions_of(book, department)
    if found.credit_office:
        return dict.fromkeys(book.domains, regions)
    return {
        domain_id: _without_credit_office(domain_id, regions, book, today)
        for domain_id, domain in book.domains.items()
        if department in domain.may_publish
    }


def _without_credit_office(domain_id: DomainId, regions: frozenset[str], book: LawBook, today: date) -> frozenset[str]:
    """The regions in which departments publish. Regions below the same regions with a policy have the same answer."""
    with_policy = {edition.region for one in book.policies for edition in book.policy_versions(one.policy_id)}
    answers: dict[tuple[str, ...], bool] = {}
    kept: set[str] = set()
    for region in regions:
        governed_by = tuple(above for above in book.lineage(region) if above in with_policy)
        if governed_by not in answers:
            answers[governed_by] = _credit_office_publishes(domain_id, region, book, today, third_party=False)
        if not answers[governed_by]:
            kept.add(region)
    return frozenset(kept)


def _credit_office_publishes(
    domain_id: DomainId, region: str, book: LawBook, today: date, *, third_party: bool
) -> bool:
    procedure = procedure_of(book, region, domain_id, today)
    if value_of(procedure.lists_published_by_credit_office, otherwise=False):
        return True
    use = value_of(procedure.third_party_lists, ThirdPartyLists.GOVERNMENT)
    return third_party and use is ThirdPartyLists.WEBSITE
