"""What followed from one entry, for those who answer for it, those who carry it out, and those who oversee its region."""

from services.registry.api.access import reader_of
from services.registry.api.bodies.resolution import ResolutionBody, resolution_body
from services.registry.domain.sharing import Reader
from services.registry.views import resolutions
from services.registry.views.resolutions import EntryResolution
from shared.contracts.response import Line, RefusalReason
from shared.rejection import reject
from shared.web.access import Caller
from shared.web.core import CoreDep, WordingDep
from shared.web.language import language
from shared.web.routing import Router
from shared.web.wording import Wording

router = Router(prefix="/v1")

_BY_NAME, _BY_CATEGORY = "LineReason.named", "LineReason.category"


@router.get("/entries/{entry_id}/resolution")
async def resolution(entry_id: str, core: CoreDep, who: Caller, wording: WordingDep) -> ResolutionBody:
    """Every response with its lines, their bases and what became of them; every measure that was refused, and why.

    For the departments that initiated, decided or published, and credit offices and auditors of the region. A department that
    carries out sees its own responses.
    """
    async with core.store.reading.connect() as connection:
        found = await resolutions.resolution(connection, core.store, entry_id)
    part = _part(found, await reader_of(core, who)) if found else None
    if part is None:
        raise reject("unknown_id", "path.entry_id")
    return resolution_body(part, lambda about: _reason_in_words(wording, about))


def _part(found: EntryResolution, by: Reader) -> EntryResolution | None:
    """What the reader sees of it; None when it sees nothing."""
    if by.sees_whole(found.entry):
        return found
    own = [response for response in found.responses if response.department == by.department]
    return EntryResolution(found.entry, own, refusals=[], settlements=[]) if own else None


def _reason_in_words(wording: Wording, about: RefusalReason | Line) -> str:
    if isinstance(about, RefusalReason):
        return wording.term(f"RefusalReason.{about.value}", {}, language()) or about.value
    term = _BY_CATEGORY if about.implementer_category else _BY_NAME
    return wording.term(term, about.model_dump(), language()) or ""
