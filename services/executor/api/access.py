"""Who may call the routes of the executor, and for which department."""

from typing import Annotated

from fastapi import Depends, Query

from shared.contracts.event import DepartmentId
from shared.lawbook.responsibility import oversees_department
from shared.rejection import reject
from shared.runtime.core import Core
from shared.trust import OfficerRole, Principal
from shared.web.access import department_of, require, require_department

EXECUTES = (OfficerRole.EXECUTOR, OfficerRole.SYSTEM)
"""Roles that answer tasks and make checks for their own department."""
WATCHES = (OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR)
"""Roles that read the tasks and checks of the departments in the regions for which their department is responsible."""

Executor = Annotated[Principal, Depends(require(*EXECUTES))]
Reader = Annotated[Principal, Depends(require(*EXECUTES, *WATCHES))]
Department = Annotated[
    str | None, Query(description="Another department of the region; for its credit office and auditors only")
]


async def department_asked_for(core: Core, who: Principal, named: str | None) -> DepartmentId:
    """The department whose tasks or checks are listed: the caller's own, or the named one.

    Raises Rejected: `forbidden_department`, or `outside_responsibility` when it is not in the regions that the caller oversees.
    """
    if named is None:
        return department_of(who)
    department = DepartmentId(named)
    require_department(who, department, *WATCHES)
    if not await may_read(core, who, department):
        found = (await core.lawbook.current()).department(department)
        region = found.region if found else "—"
        raise reject("outside_responsibility", "query.department", region=region, department=who.department)
    return department


async def may_read(core: Core, who: Principal, department: str) -> bool:
    """Whether the caller reads the tasks and checks of the department: its own, or one that it oversees."""
    if who.department == department:
        return True
    return who.has(*WATCHES) and oversees_department(
        await core.lawbook.current(), who.department, DepartmentId(department)
    )
