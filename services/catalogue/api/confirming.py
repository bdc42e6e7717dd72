"""Example settings: what the credit office must still confirm, and the confirmation."""

from fastapi import Response

from services.catalogue.api.access import Keeper
from services.catalogue.api.bodies.confirmations import (
    ConfirmationBody,
    ConfirmationsBody,
    ConfirmedBody,
    UnconfirmedBody,
)
from services.catalogue.domain.book import Confirm, Confirmation
from services.catalogue.handlers import confirm
from services.catalogue.views import item_queries
from shared.contracts.lawbook import ItemKind
from shared.eventstore import Session
from shared.trust import Principal
from shared.web.access import Caller
from shared.web.core import CoreDep
from shared.web.routing import MANY_ITEMS_BYTES, Router
from shared.web.writing import Answer, ExpectedVersion, IdempotentWrite, Write

router = Router(tags=["example settings"], max_body_size=MANY_ITEMS_BYTES)


@router.get("/unconfirmed")
async def unconfirmed(core: CoreDep, who: Caller) -> UnconfirmedBody:
    """How many items the credit office must still confirm."""
    async with core.store.reading.connect() as connection:
        return UnconfirmedBody(items=await item_queries.unconfirmed(connection))


@router.post("/confirmations", responses={200: {"model": ConfirmedBody}})
async def confirm_many(body: ConfirmationsBody, who: Keeper, write: Write, expected: ExpectedVersion) -> Response:
    """Confirm example settings of many items at once."""
    confirmations = tuple(Confirmation(c.kind, c.item_id, tuple(c.settings), c.version) for c in body.confirmations)
    return await _confirm(write, who, Confirm(confirmations, body.note, who.department), expected)


@router.post("/{kind}/{item_id}/confirm", responses={200: {"model": ConfirmedBody}})
async def confirm_one(
    kind: ItemKind, item_id: str, body: ConfirmationBody, who: Keeper, write: Write, expected: ExpectedVersion
) -> Response:
    """Confirm example settings of one item as they are. To change a setting, publish a new version of the item."""
    confirmation = Confirmation(kind, item_id, tuple(body.settings), body.version)
    return await _confirm(write, who, Confirm((confirmation,), body.note, who.department), expected)


async def _confirm(write: IdempotentWrite, who: Principal, command: Confirm, expected: int | None) -> Response:
    async def handle(session: Session) -> Answer:
        return Answer(200, ConfirmedBody.model_validate(await confirm(session, command, expected)))

    return await write(who, handle)
