"""Who may read an entry and its cases: the departments responsible for the entry, and those that oversee."""

from dataclasses import dataclass

from shared.contracts.event import DepartmentId
from shared.contracts.listing import Entry


@dataclass(frozen=True, slots=True)
class Reader:
    """May read everything, or what concerns one department."""

    department: DepartmentId | None
    everything: bool

    def may_read(self, entry: Entry) -> bool:
        """Whether the reader's department initiated, decided or published the entry, or the reader may read everything."""
        return self.everything or self.department in (entry.initiated_by, entry.decision.decided_by, entry.published_by)
