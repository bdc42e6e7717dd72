"""A verified caller. One exists only if its token was verified (or in a test)."""

from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.event import DepartmentId


class OfficerRole(StrEnum):
    """What an officer, or a department's system, may do; which department and domain it is for, the law book says."""

    LISTER = "lister"
    """Drafts and submits entries and imports (名单经办)."""
    APPROVER = "approver"
    """Approves publication: the second pair of eyes (名单审核)."""
    EXECUTOR = "executor"
    """Answers tasks and makes checks (措施执行)."""
    REPAIRER = "repairer"
    """Decides repair, revocation, correction and objections (修复与异议经办)."""
    CREDIT_OFFICE = "credit_office"
    """Keeps the catalogue and watches the loop (信用办)."""
    AUDITOR = "auditor"
    """Reads, and changes nothing (审计)."""
    OPERATOR = "operator"
    """Parked events, the clock, metrics (系统运维)."""
    SYSTEM = "system"
    """A department's own system: may list, and execute (部门业务系统)."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: `subject` is the account at the identity provider, never a person's number."""

    subject: str
    department: DepartmentId | None
    roles: frozenset[OfficerRole]

    def has(self, *roles: OfficerRole) -> bool:
        """True with at least one of the roles."""
        return not self.roles.isdisjoint(roles)
