"""Reading the law book: what holds now, every edition of an item, what entered the book since."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from services.catalogue.api.answers import BookVersion, EditionAnswer, Limit, Page, edition_answer
from services.catalogue.views import items as view
from services.catalogue.views.items import Edition, Wanted
from shared.contracts.lawbook import ItemKind
from shared.lawbook.items import Item, identity
from shared.rejection import reject
from shared.web.access import Caller
from shared.web.core import CoreDep

router = APIRouter(tags=["law book"])


class Editions(BaseModel):
    editions: list[EditionAnswer]


class ChangeAnswer(EditionAnswer):
    """A change of the book: its item, or the first of those that came with it."""

    items: int = Field(description="How many items came with this change: regions come in numbers")


class Changes(BaseModel):
    """What entered the book, in order; `next` goes on, when there is more."""

    changes: list[ChangeAnswer]
    next: int | None


@router.get("/version")
async def version(core: CoreDep, who: Caller) -> BookVersion:
    """Where the law book stands."""
    async with core.store.reading.connect() as connection:
        return BookVersion(lawbook_version=await view.book_version(connection))


@router.get("/changes")
async def changes(core: CoreDep, who: Caller, after: Annotated[int, Query(ge=0)] = 0, limit: Limit = 100) -> Changes:
    """What entered the law book behind its version `after`: how a later edition of the book differs from that one."""
    async with core.store.reading.connect() as connection:
        found = await view.changes(connection, after, limit)
    told = [ChangeAnswer(**edition_answer(edition).model_dump(), items=items) for edition, items in found]
    return Changes(changes=told, next=told[-1].lawbook_version if len(told) == limit else None)


@router.get("/{kind}")
async def items(
    kind: ItemKind,
    core: CoreDep,
    who: Caller,
    region: Annotated[str | None, Query(description="Issued for this region (six digits)")] = None,
    domain: Annotated[str | None, Query(description="Holds in this domain; of measures, policies and domains")] = None,
    unconfirmed: Annotated[bool, Query(description="Only what has example settings that nobody has confirmed")] = False,
    after: Annotated[str | None, Query(description="The `next` of the page before")] = None,
    limit: Limit = 100,
) -> Page:
    """The newest version of each item of a kind, by id."""
    _filter_fits(kind, region, domain)
    async with core.store.reading.connect() as connection:
        found = await view.current(connection, kind, Wanted(region, domain, unconfirmed), after, limit + 1)
        book_version = await view.book_version(connection)
    page = found[:limit]
    following = identity(page[-1].item) if len(found) > limit else None
    return Page(items=[edition.item for edition in page], next=following, lawbook_version=book_version)


@router.get("/{kind}/{item_id}")
async def item(
    kind: ItemKind,
    item_id: str,
    core: CoreDep,
    who: Caller,
    version: Annotated[int | None, Query(ge=1, description="That version; the newest unless given")] = None,
) -> Item:
    """One item, as it stands now."""
    found = view.in_version(await _editions(core, kind, item_id), version)
    if found is None:
        raise reject("unknown_id", "query.version")
    return found.item


@router.get("/{kind}/{item_id}/versions")
async def versions(kind: ItemKind, item_id: str, core: CoreDep, who: Caller) -> Editions:
    """All editions of an item, oldest first, with what was said about it since."""
    return Editions(editions=[edition_answer(edition) for edition in await _editions(core, kind, item_id)])


async def _editions(core: CoreDep, kind: ItemKind, item_id: str) -> list[Edition]:
    async with core.store.reading.connect() as connection:
        found = await view.editions(connection, kind, item_id)
    if not found:
        raise reject("unknown_id", "path.item_id")
    return found


_BY_REGION = frozenset({ItemKind.DEPARTMENTS, ItemKind.MEMORANDA, ItemKind.MEASURES, ItemKind.LISTS, ItemKind.POLICIES})
_BY_DOMAIN = frozenset({ItemKind.DOMAINS, ItemKind.MEASURES, ItemKind.POLICIES})


def _filter_fits(kind: ItemKind, region: str | None, domain: str | None) -> None:
    """A filter that a kind cannot honour is refused: an answer that ignored it would look complete."""
    if region is not None and kind not in _BY_REGION:
        raise reject("filter_not_for_kind", "query.region", kind=kind.value)
    if domain is not None and kind not in _BY_DOMAIN:
        raise reject("filter_not_for_kind", "query.domain", kind=kind.value)
