"""Who may read which part of the ledger."""

from typing import Annotated

from fastapi import Depends, Query

from services.feedback.views.scope import EVERYTHING, Scope
from shared.contracts.event import DepartmentId
from shared.lawbook.responsibility import overseen_regions
from shared.runtime.core import Core
from shared.trust import OfficerRole, Principal
from shared.web.access import department_of, require, require_department

WATCHERS = (OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR)
"""Roles that read the ledger of the regions for which their department is responsible."""

Watcher = Annotated[Principal, Depends(require(*WATCHERS))]
Department = Annotated[
    DepartmentId | None, Query(description="Only this department; officers of a department always see only their own")
]


async def readable(core: Core, who: Principal, department: DepartmentId | None) -> tuple[DepartmentId | None, Scope]:
    """The department whose part of the ledger the caller reads (None: all departments), and within which limits.

    Raises Rejected: `forbidden_department`.
    """
    if who.has(*WATCHERS):
        return department, await scope_of(core, who)
    own = department_of(who)
    require_department(who, department or own)
    return own, EVERYTHING


async def scope_of(core: Core, who: Principal) -> Scope:
    """What a watcher reads: entries of its regions, what departments of its regions do, and what its own department does."""
    book, own = await core.lawbook.current(), department_of(who)
    regions = overseen_regions(book, own)
    there = (one.department_id for one in book.departments.values() if one.region in regions)
    return Scope(regions, frozenset([own, *there]))
