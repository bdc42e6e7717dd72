"""What followed from one entry, for those who are responsible for it, those who carry it out, and those who oversee."""

from fastapi import APIRouter

from services.registry.api.bodies.resolution import ResolutionBody, resolution_body
from services.registry.views import resolutions
from services.registry.views.resolutions import EntryResolution
from shared.contracts.response import Line, RefusalReason
from shared.rejection import reject
from shared.trust import OfficerRole, Principal
from shared.web.access import Caller
from shared.web.core import CoreDep, WordingDep
from shared.web.language import language
from shared.web.wording import Wording

router = APIRouter(prefix="/v1")

_BY_NAME, _BY_CATEGORY = "LineReason.named", "LineReason.category"


@router.get("/entries/{entry_id}/resolution")
async def resolution(entry_id: str, core: CoreDep, who: Caller, wording: WordingDep) -> ResolutionBody:
    """Every response with its lines, their bases and what became of them; every measure that was refused, and why.

    For the departments that initiated, decided, published or carry out; the credit office and auditors see every entry.
    """
    async with core.store.reading.connect() as connection:
        found = await resolutions.resolution(connection, core.store, entry_id)
    if found is None or not _may_read(who, found):
        raise reject("unknown_id", "path.entry_id")
    return resolution_body(found, lambda about: _reason_in_words(wording, about))


def _may_read(who: Principal, found: EntryResolution) -> bool:
    entry = found.entry
    responsible = {entry.initiated_by, entry.decision.decided_by, entry.published_by}
    carry_out = {response.department for response in found.responses}
    oversees = who.has(OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR)
    return oversees or who.department in responsible | carry_out


def _reason_in_words(wording: Wording, about: RefusalReason | Line) -> str:
    if isinstance(about, RefusalReason):
        return wording.term(f"RefusalReason.{about.value}", {}, language()) or about.value
    term = _BY_CATEGORY if about.implementer_category else _BY_NAME
    return wording.term(term, about.model_dump(), language()) or ""
