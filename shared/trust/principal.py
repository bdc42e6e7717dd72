"""A verified caller. A Principal is created only from a verified token (or in a test)."""

from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.event import DepartmentId


class OfficerRole(StrEnum):
    """What an officer, or a department's system, may do. The law book states for which entries and domains."""

    LISTER = "lister"
    """Drafts and submits entries and imports (名单经办)."""
    APPROVER = "approver"
    """Approves publication, as the second officer of the four-eyes rule (名单审核)."""
    EXECUTOR = "executor"
    """Answers tasks and performs checks (措施执行)."""
    REPAIRER = "repairer"
    """Decides repair, revocation, correction and objections (修复与异议经办)."""
    CREDIT_OFFICE = "credit_office"
    """Maintains the catalogue and monitors the loop (信用办)."""
    AUDITOR = "auditor"
    """Reads, and changes nothing (审计)."""
    OPERATOR = "operator"
    """Handles parked events and failed timers, and moves a demo's clock (系统运维)."""
    SYSTEM = "system"
    """A department's own system: may list and execute (部门业务系统)."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller. `subject`: its account at the identity provider, never a personal number."""

    subject: str
    department: DepartmentId | None
    roles: frozenset[OfficerRole]

    def has(self, *roles: OfficerRole) -> bool:
        """True with at least one of the roles."""
        return not self.roles.isdisjoint(roles)
