"""Routes of corrections, revocations and endings."""

from fastapi import Response

from services.repair.api.access import Decides, Reads, officer
from services.repair.api.bodies import ActBody, CorrectionBody, EndingBody, Outcome, RevocationBody
from services.repair.api.changes import changes
from services.repair.domain.content import Correction, Ending, Revocation
from services.repair.domain.visibility import Reader
from services.repair.handlers import decisions
from services.repair.views import acts
from services.repair.views.acts import ActKind
from shared.eventstore import Session
from shared.rejection import reject
from shared.runtime.core import Core
from shared.web.core import CoreDep
from shared.web.paging import AfterPosition, Limit, Page, cut
from shared.web.routing import Router
from shared.web.writing import Answer, ExpectedVersion, Write

router = Router()


@router.post("/corrections", status_code=201, response_model=Outcome)
async def correct(
    body: CorrectionBody, core: CoreDep, who: Decides, write: Write, expected: ExpectedVersion
) -> Response:
    """Correct the content of an entry from the beginning. The subject cannot be corrected: revoke, and list again.

    Another officer must confirm a correction that may end measures.
    """

    async def decide(session: Session) -> Answer:
        content = Correction(
            changes=changes(core, body.changes),
            cause=body.cause,
            reason=body.reason,
            document_number=body.document_number,
        )
        return await decisions.decide(core, session, body.entry_id, by=officer(who), content=content, expected=expected)

    return await write(who, decide)


@router.post("/revocations", status_code=201, response_model=Outcome)
async def revoke(
    body: RevocationBody, core: CoreDep, who: Decides, write: Write, expected: ExpectedVersion
) -> Response:
    """Revoke an entry that should never have been listed: its effects are undone from the beginning.

    Also after it ended or was repaired. Another officer must confirm it.
    """
    content = Revocation(cause=body.cause, reason=body.reason, document_number=body.document_number)
    return await write(
        who,
        lambda session: decisions.decide(
            core, session, body.entry_id, by=officer(who), content=content, expected=expected
        ),
    )


@router.post("/endings", status_code=201, response_model=Outcome)
async def end(body: EndingBody, core: CoreDep, who: Decides, write: Write, expected: ExpectedVersion) -> Response:
    """The subject no longer qualifies, or the entry is withdrawn: its effects end from the confirmation on.

    Another officer must confirm it.
    """
    content = Ending(cause=body.cause, reason=body.reason)
    return await write(
        who,
        lambda session: decisions.decide(
            core, session, body.entry_id, by=officer(who), content=content, expected=expected
        ),
    )


@router.get("/corrections")
async def corrections(core: CoreDep, reader: Reads, after: AfterPosition = "", limit: Limit = 100) -> Page[ActBody]:
    """Corrections, in order."""
    return await _page(core, reader, "correction", after, limit)


@router.get("/revocations")
async def revocations(core: CoreDep, reader: Reads, after: AfterPosition = "", limit: Limit = 100) -> Page[ActBody]:
    """Revocations, in order."""
    return await _page(core, reader, "revocation", after, limit)


@router.get("/endings")
async def endings(core: CoreDep, reader: Reads, after: AfterPosition = "", limit: Limit = 100) -> Page[ActBody]:
    """Endings, in order; by decision and by the end of the term."""
    return await _page(core, reader, "ending", after, limit)


@router.get("/corrections/{correction_id}")
async def correction(correction_id: str, core: CoreDep, reader: Reads) -> ActBody:
    """One correction."""
    return await _one(core, reader, "correction", correction_id)


@router.get("/revocations/{revocation_id}")
async def revocation(revocation_id: str, core: CoreDep, reader: Reads) -> ActBody:
    """One revocation."""
    return await _one(core, reader, "revocation", revocation_id)


@router.get("/endings/{ending_id}")
async def ending(ending_id: str, core: CoreDep, reader: Reads) -> ActBody:
    """One ending."""
    return await _one(core, reader, "ending", ending_id)


async def _page(core: Core, reader: Reader, kind: ActKind, after: str, limit: int) -> Page[ActBody]:
    async with core.engine.connect() as connection:
        rows = await acts.acts(connection, reader, kind, int(after or 0), limit + 1)
    page, following = cut(rows, limit, lambda row: str(row.position))
    return Page(items=[ActBody.model_validate(row) for row in page], next=following)


async def _one(core: Core, reader: Reader, kind: ActKind, act_id: str) -> ActBody:
    async with core.engine.connect() as connection:
        row = await acts.act(connection, reader, kind, act_id)
    if row is None:
        raise reject("unknown_id", f"path.{kind}_id")
    return ActBody.model_validate(row)
