"""For which regions a department is responsible, by its entry in the law book. Pure: deciders and routes both ask here.

A department is responsible for its region and for every region below it. A department of an upper level is responsible for what
lies below that level's region. A region that the law book does not name belongs to nobody.
"""

from datetime import date

from shared.contracts.event import DepartmentId
from shared.contracts.lawbook import Department
from shared.lawbook.book import LawBook


def is_responsible(book: LawBook, department_id: DepartmentId | None, region: str) -> bool:
    """Whether the department's region is `region` (GB/T 2260, six digits) or lies above it. False for unknown ones."""
    department = book.department(department_id) if department_id else None
    return department is not None and region in book.regions and department.region in book.lineage(region)


def regions_of(book: LawBook, department_id: DepartmentId | None) -> frozenset[str]:
    """All regions of the law book for which the department is responsible."""
    return frozenset(code for code in book.regions if is_responsible(book, department_id, code))


def is_credit_office_for(book: LawBook, department_id: DepartmentId | None, region: str) -> bool:
    """Whether the department is a credit office (信用办) that is responsible for the region."""
    department = book.department(department_id) if department_id else None
    return department is not None and department.credit_office and is_responsible(book, department_id, region)


def is_active_department(department: Department | None, today: date) -> bool:
    """Whether the department exists and has not been retired before this day."""
    return department is not None and (department.retired_on is None or today <= department.retired_on)
