"""The list that a request names, checked against the law book."""

from typing import Annotated, NamedTuple

from fastapi import Depends, Query

from services.registry.api.places import Places
from services.registry.views.public import PublicList
from shared.contracts.directory import RegionCode
from shared.contracts.event import DomainId
from shared.contracts.lawbook import ListKind
from shared.lawbook.book import LawBook
from shared.rejection import reject
from shared.web.core import CoreDep

Region = Annotated[
    RegionCode | None, Query(description="GB/T 2260, six digits: this region and those below it; absent: all regions")
]


class AskedList(NamedTuple):
    """The list, and the law book that names it."""

    wanted: PublicList
    book: LawBook


async def _asked(domain_id: str, kind: ListKind, core: CoreDep, region: Region = None) -> AskedList:
    """Raises Rejected: `watch_list_not_public`, `unknown_domain`, `unknown_region`."""
    return list_of(await core.lawbook.current(), domain_id, kind, region)


def list_of(book: LawBook, domain_id: str, kind: ListKind, region: str | None) -> AskedList:
    """The list of a domain and a region. Raises Rejected: `watch_list_not_public`, `unknown_domain`, `unknown_region`."""
    if kind is ListKind.WATCH:
        raise reject("watch_list_not_public", "kind")
    if book.domain(DomainId(domain_id)) is None:
        raise reject("unknown_domain", "domain_id", domain_id=domain_id)
    return AskedList(PublicList(DomainId(domain_id), kind, book.derived(Places).asked_for(region)), book)


ListAsked = Annotated[AskedList, Depends(_asked)]
"""The list of the path and of `region`."""
