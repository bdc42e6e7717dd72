"""Who may call which routes of repair."""

from typing import Annotated

from fastapi import Depends

from services.repair.domain.commands import Officer
from services.repair.domain.visibility import Reader, reader
from shared.trust import OfficerRole, Principal
from shared.web.access import require
from shared.web.core import CoreDep

Decides = Annotated[Principal, Depends(require(OfficerRole.REPAIRER, OfficerRole.CREDIT_OFFICE))]
"""May decide. The domain checks that the department is responsible for the entry."""
Confirms = Annotated[Principal, Depends(require(OfficerRole.REPAIRER, OfficerRole.APPROVER, OfficerRole.CREDIT_OFFICE))]
"""May confirm or return what another officer decided. The domain checks department and account."""
Files = Annotated[Principal, Depends(require(OfficerRole.REPAIRER, OfficerRole.CREDIT_OFFICE, OfficerRole.SYSTEM))]
"""May file an objection or a request for repair. The domain checks who receives objections."""
_READERS = (
    *(OfficerRole.REPAIRER, OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR),
    *(OfficerRole.LISTER, OfficerRole.APPROVER, OfficerRole.SYSTEM),
)


async def _reader(who: Annotated[Principal, Depends(require(*_READERS))], core: CoreDep) -> Reader:
    oversees = who.has(OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR)
    return reader(await core.lawbook.current(), who.department, oversees=oversees)


Reads = Annotated[Reader, Depends(_reader)]
"""May read. `Reader` limits what is read."""


def officer(who: Principal) -> Officer:
    """The caller as an `Officer` of the domain."""
    return Officer(who.subject, who.department, credit_office=who.has(OfficerRole.CREDIT_OFFICE))
