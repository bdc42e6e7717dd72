"""Who may see what: an entry and its cases are the business of those who answer for it, and of those who oversee."""

from dataclasses import dataclass

from shared.contracts.event import DepartmentId
from shared.contracts.listing import Entry
from shared.trust import OfficerRole, Principal


@dataclass(frozen=True, slots=True)
class Reader:
    """Sees everything, or what concerns a department."""

    department: DepartmentId | None
    everything: bool

    @classmethod
    def of(cls, who: Principal) -> "Reader":
        return cls(who.department, who.has(OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR))

    def sees(self, entry: Entry) -> bool:
        """Whether the entry was initiated, decided or published by the reader's department."""
        return self.everything or self.department in (entry.initiated_by, entry.decision.decided_by, entry.published_by)
