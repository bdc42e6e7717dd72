"""Who may read what of the registry: overseers, and every department by what it answers for (domain/sharing.py)."""

from typing import Annotated

from fastapi import Depends

from services.registry.domain.sharing import Reader, reader
from shared.lawbook.responsibility import overseen_regions
from shared.runtime.core import Core
from shared.trust import OfficerRole, Principal
from shared.web.access import department_of, require

OVERSEERS = (OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR)
Overseer = Annotated[Principal, Depends(require(*OVERSEERS))]
"""A credit office or auditor: reads the entries of the regions for which its department is responsible."""


async def reader_of(core: Core, who: Principal) -> Reader:
    """The caller as a reader of files."""
    return reader(await core.lawbook.current(), department_of(who), oversees=who.has(*OVERSEERS))


async def regions_overseen(core: Core, who: Principal) -> frozenset[str]:
    """The regions whose records an overseer reads; none for a third party."""
    return overseen_regions(await core.lawbook.current(), who.department)
