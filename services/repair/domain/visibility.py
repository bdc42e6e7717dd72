"""Who may read an entry, its cases and its decisions: the departments that answer for it, and those that oversee its region."""

from dataclasses import dataclass

from services.repair.domain.answerable import answers_for
from shared.contracts.event import DepartmentId
from shared.contracts.listing import Entry
from shared.lawbook.book import LawBook


@dataclass(frozen=True, slots=True)
class Reader:
    """What a caller may read, by its department and its role."""

    department: DepartmentId | None
    oversees: tuple[str, ...] = ()
    """The regions whose entries it reads whatever the department: of a credit office and of an auditor."""
    confirms_for: tuple[DepartmentId, ...] = ()
    """Departments whose decisions it confirms, by the law book."""

    def may_read(self, entry: Entry) -> bool:
        """Whether the reader's department answers for the entry, or oversees its region."""
        return answers_for(entry, self.department) or entry.jurisdiction in self.oversees


def reader(book: LawBook, department: DepartmentId | None, *, oversees: bool) -> Reader:
    """The reader of a department; `oversees`: it has the role of a credit office or of an auditor."""
    known = book.derived(_Oversight)
    return Reader(department, known.regions(department) if oversees else (), known.confirms_for(department))


class _Oversight:
    """What departments oversee by one book. Remembers what it computed: a book never changes."""

    def __init__(self, book: LawBook) -> None:
        self._book = book
        self._regions: dict[DepartmentId | None, tuple[str, ...]] = {}
        self._confirmed = [one for one in book.departments.values() if one.confirmed_by]

    def regions(self, department: DepartmentId | None) -> tuple[str, ...]:
        if department not in self._regions:
            self._regions[department] = _regions_of(self._book, department)
        return self._regions[department]

    def confirms_for(self, department: DepartmentId | None) -> tuple[DepartmentId, ...]:
        return tuple(one.department_id for one in self._confirmed if department in one.confirmed_by)


def _regions_of(book: LawBook, department_id: DepartmentId | None) -> tuple[str, ...]:
    """The regions for which a department is responsible, as `is_responsible` says for each."""
    department = book.department(department_id) if department_id else None
    if department is None:
        return ()
    return tuple(region for region in book.regions if department.region in book.lineage(region))
