"""Who may call the routes of the executor, and for which department."""

from typing import Annotated

from fastapi import Depends, Query

from shared.contracts.event import DepartmentId
from shared.trust import OfficerRole, Principal
from shared.web.access import department_of, require, require_department

EXECUTES = (OfficerRole.EXECUTOR, OfficerRole.SYSTEM)
"""Roles that answer tasks and make checks for their own department."""
WATCHES = (OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR)
"""Roles that read the tasks and checks of any department."""

Executor = Annotated[Principal, Depends(require(*EXECUTES))]
Reader = Annotated[Principal, Depends(require(*EXECUTES, *WATCHES))]
Department = Annotated[str | None, Query(description="Another department; for the credit office and auditors only")]


def department_asked_for(who: Principal, named: str | None) -> DepartmentId:
    """The department whose tasks or checks are listed: the caller's own, or the named one.

    Raises Rejected: `forbidden_department` when the caller may not read the named department.
    """
    if named is None:
        return department_of(who)
    department = DepartmentId(named)
    require_department(who, department, *WATCHES)
    return department


def may_read(who: Principal, department: str) -> bool:
    return who.department == department or who.has(*WATCHES)
