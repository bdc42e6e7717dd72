"""Which policy governs a decision and an act, setting by setting, with its clause and the reason (row 7, N6)."""

from datetime import date
from typing import Annotated

from fastapi import Query

from services.registry.api.bodies.policies import GoverningBody, governing_body
from shared.calendar.working_days import today
from shared.contracts.directory import RegionCode
from shared.contracts.event import DomainId
from shared.lawbook.policy import Question, governing
from shared.rejection import reject
from shared.web.core import CoreDep, WordingDep
from shared.web.routing import Router

router = Router(prefix="/v1/policies")

Region = Annotated[RegionCode, Query(description="GB/T 2260, six digits; 000000 is the state")]


@router.get("/governing")
async def which_policy_governs(
    core: CoreDep,
    wording: WordingDep,
    region: Region,
    domain: Annotated[str | None, Query(description="A domain; absent: the policies of every domain")] = None,
    decided_on: Annotated[date | None, Query(description="Day of the decision; today when absent")] = None,
    act_on: Annotated[date | None, Query(description="Day of the procedural act; today when absent")] = None,
    executed_in: Annotated[
        RegionCode | None, Query(description="Where it is carried out, when in another region")
    ] = None,
) -> GoverningBody:
    """Which policy governs each setting, and why. Public: rules of management are (row 20)."""
    book = await core.lawbook.current()
    if domain is not None and book.domain(DomainId(domain)) is None:
        raise reject("unknown_domain", "query.domain", domain_id=domain)
    day = today(core.clock.now())
    asked = Question(
        region, DomainId(domain) if domain is not None else None, decided_on or day, act_on or day, executed_in
    )
    return governing_body(governing(book, asked), book.version, wording)
