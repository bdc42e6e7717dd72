"""What followed from one entry, told to those who answer for it, who carry it out, and who oversee."""

from typing import cast

from fastapi import APIRouter, Request

from services.registry.views import resolutions
from services.registry.views.resolutions import Resolution
from shared.contracts.listing import Entry
from shared.contracts.response import Line, RefusalReason
from shared.rejection import reject
from shared.trust import OfficerRole, Principal
from shared.web.access import Caller
from shared.web.core import CoreDep
from shared.web.language import language
from shared.web.wording import Wording

router = APIRouter(prefix="/v1")

_BY_NAME, _BY_KIND = "LineReason.named", "LineReason.category"


@router.get("/entries/{entry_id}/resolution")
async def resolution(entry_id: str, request: Request, core: CoreDep, who: Caller) -> Resolution:
    """Every response with its lines, their bases and what became of them; every measure that was refused, and why.

    For the departments that initiated, decided, published or carry out; the credit office and auditors see every entry.
    """
    wording = cast("Wording", request.app.state.wording)

    def say(told: RefusalReason | Line) -> str:
        if isinstance(told, RefusalReason):
            return wording.term(f"RefusalReason.{told.value}", {}, language()) or told.value
        return wording.term(_BY_KIND if told.implementer_category else _BY_NAME, told.model_dump(), language()) or ""

    async with core.store.reading.connect() as connection:
        found = await resolutions.resolution(connection, core.store, entry_id, say)
    if found is None or not _sees(who, *found):
        raise reject("unknown_id", "path.entry_id")
    return found[1]


def _sees(who: Principal, entry: Entry, told: Resolution) -> bool:
    answer_for_it = {entry.initiated_by, entry.decision.decided_by, entry.published_by}
    carry_it_out = {response.department for response in told.responses}
    overseer = who.has(OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR)
    return overseer or who.department in answer_for_it | carry_it_out
