"""Which part of the ledger is read: by the regions of entries, and by departments."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, true

from services.feedback.views.ledger import ENTRIES, LINES
from shared.contracts.event import DepartmentId
from shared.database import one_of


@dataclass(frozen=True, slots=True)
class Scope:
    """Entries of these regions, and what these departments initiated or carry out. `regions` None: everything."""

    regions: frozenset[str] | None
    departments: frozenset[DepartmentId] = frozenset()

    @property
    def entries(self) -> ColumnElement[bool]:
        """The condition on entries."""
        if self.regions is None:
            return true()
        return one_of(ENTRIES.c.jurisdiction, self.regions) | one_of(ENTRIES.c.initiated_by, self.departments)

    @property
    def lines(self) -> ColumnElement[bool]:
        """The condition on lines that are joined with their entries."""
        if self.regions is None:
            return true()
        return one_of(ENTRIES.c.jurisdiction, self.regions) | one_of(LINES.c.department, self.departments)


EVERYTHING = Scope(None)
"""No limit besides the department that is asked for."""
