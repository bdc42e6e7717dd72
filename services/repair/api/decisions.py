"""Routes of decisions that await confirmation: a second officer confirms or returns them (four eyes)."""

from typing import Annotated, Literal

from fastapi import Query, Response

from services.repair.api.access import Confirms, Reads, officer
from services.repair.api.bodies import DecisionBody, Outcome, RefusalBody
from services.repair.handlers import decisions as handlers
from services.repair.views import decisions
from shared.rejection import reject
from shared.web.core import CoreDep
from shared.web.paging import After, Limit, Page, cut
from shared.web.routing import Router
from shared.web.writing import ExpectedVersion, Write

router = Router()

DecisionStatus = Literal["awaiting_confirmation", "confirmed", "returned", "lapsed"]


@router.post("/decisions/{decision_id}/confirm", response_model=Outcome)
async def confirm(decision_id: str, core: CoreDep, who: Confirms, write: Write, expected: ExpectedVersion) -> Response:
    """Confirm what another officer decided: it takes effect. Its content is tested again."""
    return await write(
        who, lambda session: handlers.confirm(core, session, decision_id, by=officer(who), expected=expected)
    )


@router.post("/decisions/{decision_id}/return", response_model=Outcome)
async def return_(
    decision_id: str, body: RefusalBody, core: CoreDep, who: Confirms, write: Write, expected: ExpectedVersion
) -> Response:
    """Return a decision with the reason: it has no effect. The officer who made it may take it back in this way."""
    return await write(
        who,
        lambda session: handlers.return_(
            core, session, decision_id, by=officer(who), reason=body.reason, expected=expected
        ),
    )


@router.get("/decisions")
async def list_decisions(
    core: CoreDep,
    reader: Reads,
    status: Annotated[DecisionStatus, Query()] = "awaiting_confirmation",
    entry_id: Annotated[str | None, Query()] = None,
    after: After = "",
    limit: Limit = 100,
) -> Page[DecisionBody]:
    """Decisions in the order in which they were made; by default those that await confirmation."""
    async with core.engine.connect() as connection:
        rows = await decisions.decisions(connection, reader, status, entry_id, after, limit + 1)
    page, following = cut(rows, limit, lambda row: str(row.decision_id))
    return Page(items=[DecisionBody.model_validate(row) for row in page], next=following)


@router.get("/decisions/{decision_id}")
async def decision(decision_id: str, core: CoreDep, reader: Reads) -> DecisionBody:
    """One decision."""
    async with core.engine.connect() as connection:
        row = await decisions.decision(connection, reader, decision_id)
    if row is None:
        raise reject("unknown_id", "path.decision_id")
    return DecisionBody.model_validate(row)
