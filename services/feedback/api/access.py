"""Who may read which part of the ledger."""

from typing import Annotated

from fastapi import Depends, Query

from shared.contracts.event import DepartmentId
from shared.trust import OfficerRole, Principal
from shared.web.access import department_of, require, require_department

WATCHERS = (OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR)
"""Roles that read the whole ledger."""

Watcher = Annotated[Principal, Depends(require(*WATCHERS))]
Department = Annotated[
    DepartmentId | None, Query(description="Only this department; officers of a department always see only their own")
]


def readable_department(who: Principal, department: DepartmentId | None) -> DepartmentId | None:
    """The department whose part of the ledger the caller reads; None: all departments.

    Raises Rejected: `forbidden_department`.
    """
    if who.has(*WATCHERS):
        return department
    own = department_of(who)
    require_department(who, department or own)
    return own
