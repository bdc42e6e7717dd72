"""Who may read an entry, its cases and its decisions: the departments that answer for it, and those that oversee its region."""

from dataclasses import dataclass

from shared.contracts.event import DepartmentId
from shared.contracts.listing import Entry
from shared.lawbook.book import LawBook
from shared.lawbook.responsibility import answers_for, regions_of


@dataclass(frozen=True, slots=True)
class Reader:
    """What a caller may read, by its department and its role."""

    department: DepartmentId | None
    oversees: frozenset[str] = frozenset()
    """The regions whose entries it reads whatever the department: of a credit office and of an auditor."""
    confirms_for: tuple[DepartmentId, ...] = ()
    """Departments whose decisions it confirms, by the law book."""

    def may_read(self, entry: Entry) -> bool:
        """Whether the reader's department answers for the entry, or oversees its region."""
        return answers_for(entry, self.department) or entry.jurisdiction in self.oversees


def reader(book: LawBook, department: DepartmentId | None, *, oversees: bool) -> Reader:
    """The reader of a department; `oversees`: it has the role of a credit office or of an auditor."""
    confirmed = (one.department_id for one in book.departments.values() if department in one.confirmed_by)
    return Reader(department, regions_of(book, department) if oversees else frozenset(), tuple(confirmed))
