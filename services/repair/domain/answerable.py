"""Who decides about an entry, who confirms, and who may not because it filed the case (row 25, four eyes)."""

from services.repair.domain.commands import Officer
from services.repair.domain.content import Content, case_of
from services.repair.domain.state import Adopted
from shared.contracts.event import DepartmentId
from shared.contracts.listing import Entry
from shared.lawbook.book import LawBook
from shared.lawbook.responsibility import answers_for, is_credit_office_for
from shared.rejection import reject
from shared.trust.principal import same_account


def require_answerable(entry: Entry, by: Officer, book: LawBook) -> None:
    """The department that initiated, decided or published the entry decides about it.

    So does a credit office that is responsible for the entry's jurisdiction: `outside_responsibility` for one that is not.
    Otherwise `forbidden_department`.
    """
    if answers_for(entry, by.department):
        return
    if not by.credit_office:
        raise reject("forbidden_department")
    if not is_credit_office_for(book, by.department, entry.jurisdiction):
        raise reject("outside_responsibility", region=entry.jurisdiction, department=by.department)


def require_confirmer(entry: Entry, decided_by: DepartmentId, by: Officer, book: LawBook) -> None:
    """Who may decide about the entry may confirm. So may the departments that the law book names for it (`confirmed_by`)."""
    deciding = book.department(decided_by)
    if deciding is None or by.department not in deciding.confirmed_by:
        require_answerable(entry, by, book)


def require_not_filer(state: Adopted, of: Content | str, by: Officer) -> None:
    """Who filed a case does not decide it. Raises Rejected: `four_eyes`. `of`: a content, or the id of a case."""
    case_id = of if isinstance(of, str) else case_of(of)
    case = state.cases.get(case_id) if case_id else None
    if case is not None and case.filed_by and same_account(case.filed_by, by.account):
        raise reject("four_eyes")
