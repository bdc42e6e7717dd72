"""Example settings: what the credit office must confirm, and that it does."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from services.catalogue.api.answers import Keeper
from services.catalogue.domain.book import Confirm, Confirmation
from services.catalogue.handlers import Confirmed, confirm
from services.catalogue.views import items as view
from shared.contracts.lawbook import ItemKind
from shared.web.access import Caller
from shared.web.core import CoreDep
from shared.web.writing import ExpectedVersion, Write

router = APIRouter(tags=["example settings"])

Settings = Annotated[list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=100)]
Note = Annotated[str, Field(min_length=1, max_length=2000, description="By which decision or document")]


class ConfirmationForm(BaseModel):
    """Settings of one item, in its latest version unless one is named."""

    kind: ItemKind
    item_id: str
    version: int | None = Field(default=None, ge=1)
    settings: Settings


class Confirmations(BaseModel):
    """Settings of many items, confirmed by one decision: all, or none when one is refused."""

    confirmations: Annotated[list[ConfirmationForm], Field(min_length=1, max_length=1000)]
    note: Note


class OneConfirmation(BaseModel):
    """Settings of the item that the address names."""

    settings: Settings
    note: Note
    version: int | None = Field(default=None, ge=1)


class Unconfirmed(BaseModel):
    """How many items of each kind have settings that nobody has confirmed; `GET /v1/{kind}?unconfirmed=true` lists them."""

    items: dict[ItemKind, int]


@router.get("/unconfirmed")
async def unconfirmed(core: CoreDep, who: Caller) -> Unconfirmed:
    """What the credit office must still confirm."""
    async with core.store.reading.connect() as connection:
        return Unconfirmed(items=await view.unconfirmed(connection))


@router.post("/confirmations", responses={200: {"model": Confirmed}})
async def confirm_many(body: Confirmations, who: Keeper, write: Write, expected: ExpectedVersion) -> Response:
    """Confirm example settings of many items at once."""
    asked = tuple(Confirmation(f.kind, f.item_id, tuple(f.settings), f.version) for f in body.confirmations)
    command = Confirm(asked, body.note, who.department)
    return await write(who, lambda session: confirm(session, command, expected))


@router.post("/{kind}/{item_id}/confirm", responses={200: {"model": Confirmed}})
async def confirm_one(
    kind: ItemKind, item_id: str, body: OneConfirmation, who: Keeper, write: Write, expected: ExpectedVersion
) -> Response:
    """Confirm example settings of one item: they are examples no longer, as they stand. Others are published anew."""
    asked = Confirmation(kind, item_id, tuple(body.settings), body.version)
    command = Confirm((asked,), body.note, who.department)
    return await write(who, lambda session: confirm(session, command, expected))
