"""The callers of the routes: their roles, their department, and what they may read."""

from typing import Annotated

from fastapi import Depends

from services.initiator.domain.commands import Officer
from services.initiator.domain.visibility import Visibility, visibility_of
from shared.calendar.working_days import today
from shared.runtime.core import Core
from shared.trust import OfficerRole, Principal
from shared.web.access import department_of, require

Lister = Annotated[Principal, Depends(require(OfficerRole.LISTER, OfficerRole.SYSTEM))]
Approver = Annotated[Principal, Depends(require(OfficerRole.APPROVER))]
Reader = Annotated[
    Principal,
    Depends(
        require(
            OfficerRole.LISTER,
            OfficerRole.APPROVER,
            OfficerRole.SYSTEM,
            OfficerRole.CREDIT_OFFICE,
            OfficerRole.AUDITOR,
        )
    ),
]


def officer_of(who: Principal) -> Officer:
    """Raises Rejected (`forbidden_department`) for a caller without a department."""
    return Officer(who.subject, department_of(who))


async def visibility(core: Core, who: Principal) -> Visibility:
    """Credit offices and auditors read everything of their regions, other callers what their department may read."""
    oversees = who.has(OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR)
    book = await core.lawbook.current()
    return visibility_of(department_of(who), book, today(core.clock.now()), oversees=oversees)
