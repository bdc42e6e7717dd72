"""For which regions a department is responsible, by its entry in the law book. Pure: deciders and routes both ask here.

A department is responsible for its region and for every region below it. A department of an upper level is responsible for what
lies below that level's region. A region that the law book does not name belongs to nobody.
"""

from datetime import date

from shared.contracts.event import DepartmentId
from shared.contracts.lawbook import Department
from shared.contracts.listing import Entry
from shared.lawbook.book import LawBook
from shared.lawbook.memo import Memo

_MOST_REMEMBERED = 1_000


def is_responsible(book: LawBook, department_id: DepartmentId | None, region: str) -> bool:
    """Whether the department's region is `region` (GB/T 2260, six digits) or lies above it. False for unknown ones."""
    department = book.department(department_id) if department_id else None
    return department is not None and region in book.regions and department.region in book.lineage(region)


def is_credit_office_for(book: LawBook, department_id: DepartmentId | None, region: str) -> bool:
    """Whether the department is a credit office (信用办) that is responsible for the region."""
    department = book.department(department_id) if department_id else None
    return department is not None and department.credit_office and is_responsible(book, department_id, region)


def answers_for(entry: Entry, department_id: DepartmentId | None) -> bool:
    """Whether the department initiated, decided or published the entry."""
    return department_id in (entry.initiated_by, entry.decision.decided_by, entry.published_by)


def credit_office_of(book: LawBook, region: str) -> Department | None:
    """The credit office (信用办) of the region, or of the nearest region above it that has one; the first by id."""
    offices = [found for _, found in sorted(book.departments.items()) if found.credit_office]
    by_region = {found.region: found for found in reversed(offices)}
    return next((by_region[above] for above in book.lineage(region) if above in by_region), None)


def regions_within(book: LawBook, region: str) -> frozenset[str]:
    """The region and every region of the book below it."""
    return frozenset({region, *(code for code in book.regions if region in book.lineage(code))})


def regions_of(book: LawBook, department_id: DepartmentId | None) -> frozenset[str]:
    """All regions for which the department is responsible; none for an unknown one."""
    return book.derived(_Responsibilities).regions_of(department_id) if department_id else frozenset()


class _Responsibilities:
    """The regions of each department. Remembers what it computed: a book never changes."""

    def __init__(self, book: LawBook) -> None:
        self._book = book
        self._known: Memo[DepartmentId, frozenset[str]] = Memo(_MOST_REMEMBERED)

    def regions_of(self, department_id: DepartmentId) -> frozenset[str]:
        known = self._known.get(department_id)
        return self._known.keep(department_id, self._regions_of(department_id)) if known is None else known

    def _regions_of(self, department_id: DepartmentId) -> frozenset[str]:
        return frozenset(region for region in self._book.regions if is_responsible(self._book, department_id, region))


def overseen_regions(book: LawBook, department_id: DepartmentId | None) -> frozenset[str]:
    """The regions whose records a credit office or auditor of the department reads. A third party oversees none."""
    department = book.department(department_id) if department_id else None
    if department is None or department.is_third_party:
        return frozenset()
    return regions_of(book, department.department_id)


def oversees_department(book: LawBook, overseer: DepartmentId | None, department_id: DepartmentId) -> bool:
    """Whether a credit office or auditor of `overseer` reads the work of this department: it is in one of its regions."""
    department = book.department(department_id)
    return department is not None and department.region in overseen_regions(book, overseer)


def reads_persons(book: LawBook, department_id: DepartmentId) -> bool:
    """Whether the department reads records of natural persons: a third party only where the law book says so (rows 24, 28)."""
    department = book.department(department_id)
    return department is not None and (department.natural_persons or not department.is_third_party)


def is_active_department(department: Department | None, today: date) -> bool:
    """Whether the department exists and has not been retired before this day."""
    return department is not None and (department.retired_on is None or today <= department.retired_on)
