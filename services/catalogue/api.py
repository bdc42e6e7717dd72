"""The catalogue over HTTP: the credit office publishes lists of items, everyone with a token reads them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter

from services.catalogue.domain import Item
from services.catalogue.handlers import Published, publish
from services.catalogue.views import items as view
from services.catalogue.views.items import Edition, Kind, Wanted
from shared.contracts.lawbook import Department, Domain, Instrument, Measure, Policy
from shared.rejection import reject
from shared.trust import OfficerRole, Principal
from shared.web.access import Caller, require
from shared.web.core import TheCore
from shared.web.writing import ExpectedVersion, Write, Writing

router = APIRouter(prefix="/v1")

Keeper = Annotated[Principal, Depends(require(OfficerRole.CREDIT_OFFICE))]
Limit = Annotated[int, Query(ge=1, le=1000)]
T = TypeVar("T")

MOST_ITEMS = 1_000


class Items(BaseModel, Generic[T]):
    """What is to be published: all of it, or nothing when one item is refused."""

    items: Annotated[list[T], Field(min_length=1, max_length=MOST_ITEMS)]


def _exactly(model: type[Item]) -> BeforeValidator:
    """Refuse fields that the contract does not have: in an event they are of tomorrow, in a request a slip of the pen."""
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    return BeforeValidator(lambda given: adapter.validate_python(given, extra="forbid"))


class Page(BaseModel):
    """Items by id. The list goes on behind `next`, when there is one."""

    items: list[Item]
    next: str | None
    lawbook_version: int


class EditionAnswer(BaseModel):
    """An item as it entered the law book at one version of it."""

    lawbook_version: int
    kind: Kind
    published_at: datetime
    item: Item


class Editions(BaseModel):
    editions: list[EditionAnswer]


class Changes(BaseModel):
    """What entered the book, in order; `next` goes on, when there is more."""

    changes: list[EditionAnswer]
    next: int | None


class BookVersion(BaseModel):
    lawbook_version: int


_PUBLISHED: dict[int | str, dict[str, Any]] = {
    200: {"model": Published, "description": "目录中均已有 / The book held it all"},
    201: {"model": Published, "description": "已发布 / Published"},
}


@router.post("/departments", responses=_PUBLISHED)
async def publish_departments(
    body: Items[Annotated[Department, _exactly(Department)]], who: Keeper, write: Write, expected: ExpectedVersion
) -> Response:
    """Publish departments (实施部门、发起部门), as they are from now on."""
    return await _publish(write, who, body.items, expected)


@router.post("/domains", responses=_PUBLISHED)
async def publish_domains(
    body: Items[Annotated[Domain, _exactly(Domain)]], who: Keeper, write: Write, expected: ExpectedVersion
) -> Response:
    """Publish domains (领域), as they are from now on."""
    return await _publish(write, who, body.items, expected)


@router.post("/memoranda", responses=_PUBLISHED)
async def publish_memoranda(
    body: Items[Annotated[Instrument, _exactly(Instrument)]], who: Keeper, write: Write, expected: ExpectedVersion
) -> Response:
    """Publish new versions of memoranda (合作备忘录), normative documents and laws."""
    return await _publish(write, who, body.items, expected)


@router.post("/measures", responses=_PUBLISHED)
async def publish_measures(
    body: Items[Annotated[Measure, _exactly(Measure)]], who: Keeper, write: Write, expected: ExpectedVersion
) -> Response:
    """Publish new versions of measures (措施清单)."""
    return await _publish(write, who, body.items, expected)


@router.post("/policies", responses=_PUBLISHED)
async def publish_policies(
    body: Items[Annotated[Policy, _exactly(Policy)]], who: Keeper, write: Write, expected: ExpectedVersion
) -> Response:
    """Publish new versions of policies of a jurisdiction."""
    return await _publish(write, who, body.items, expected)


async def _publish(write: Writing, who: Principal, items: Sequence[Item], expected: int | None) -> Response:
    return await write(who, lambda session: publish(session, who.department, items, expected))


@router.get("/version")
async def version(core: TheCore, who: Caller) -> BookVersion:
    """Where the law book stands."""
    async with core.engine.connect() as connection:
        return BookVersion(lawbook_version=await view.book_version(connection))


@router.get("/changes")
async def changes(core: TheCore, who: Caller, after: Annotated[int, Query(ge=0)] = 0, limit: Limit = 100) -> Changes:
    """What entered the law book behind its version `after`: how a later edition of the book differs from that one."""
    async with core.engine.connect() as connection:
        found = await view.changes(connection, after, limit)
    following = found[-1].lawbook_version if len(found) == limit else None
    return Changes(changes=[_answer(edition) for edition in found], next=following)


@router.get("/{kind}")
async def items(
    kind: Kind,
    core: TheCore,
    who: Caller,
    region: Annotated[str | None, Query(description="Issued for this region (six digits); not of domains")] = None,
    domain: Annotated[str | None, Query(description="Holds in this domain; of measures, policies and domains")] = None,
    after: Annotated[str | None, Query(description="The `next` of the page before")] = None,
    limit: Limit = 100,
) -> Page:
    """The newest edition of each item of a kind, by id."""
    _filter_fits(kind, region, domain)
    async with core.engine.connect() as connection:
        found = await view.current(connection, kind, Wanted(region, domain), after, limit + 1)
        book_version = await view.book_version(connection)
    page = found[:limit]
    following = view.identity(page[-1].item) if len(found) > limit else None
    return Page(items=[edition.item for edition in page], next=following, lawbook_version=book_version)


@router.get("/{kind}/{item_id}")
async def item(
    kind: Kind,
    item_id: str,
    core: TheCore,
    who: Caller,
    version: Annotated[int | None, Query(ge=1, description="That version; the newest unless given")] = None,
) -> Item:
    """One item."""
    found = await _editions(core, kind, item_id)
    for edition in reversed(found):
        if version is None or view.version_of(edition.item) == version:
            return edition.item
    raise reject("unknown_id", "query.version")


@router.get("/{kind}/{item_id}/versions")
async def versions(kind: Kind, item_id: str, core: TheCore, who: Caller) -> Editions:
    """All editions of an item, oldest first, to be compared with one another."""
    return Editions(editions=[_answer(edition) for edition in await _editions(core, kind, item_id)])


async def _editions(core: TheCore, kind: Kind, item_id: str) -> list[Edition]:
    async with core.engine.connect() as connection:
        found = await view.editions(connection, kind, item_id)
    if not found:
        raise reject("unknown_id", "path.item_id")
    return found


def _filter_fits(kind: Kind, region: str | None, domain: str | None) -> None:
    """A filter that a kind cannot honour is refused: an answer that ignored it would look complete."""
    if region is not None and kind is Kind.DOMAINS:
        raise reject("filter_not_for_kind", "query.region", kind=kind.value)
    if domain is not None and kind in (Kind.DEPARTMENTS, Kind.MEMORANDA):
        raise reject("filter_not_for_kind", "query.domain", kind=kind.value)


def _answer(edition: Edition) -> EditionAnswer:
    return EditionAnswer(
        lawbook_version=edition.lawbook_version,
        kind=edition.kind,
        published_at=edition.published_at,
        item=edition.item,
    )
