"""What the law book upholds of a token: the department exists, and the roles are roles that it can have."""

from datetime import date

from shared.authority.callers import CallerKind, kind_of_caller
from shared.lawbook.book import LawBook
from shared.lawbook.responsibility import is_active_department
from shared.rejection import reject
from shared.trust.principal import OfficerRole, Principal


def upheld(who: Principal, book: LawBook, today: date) -> Principal:
    """The caller with the roles that hold. Raises Rejected, always as 403 except for an unread law book (503).

    * An operator acts for no department and keeps only its role as operator.
    * Any other caller acts for a department of the law book: `caller_without_department`, `caller_department_unknown`.
    * It has at least one role of an officer: `caller_without_role`.
    * `credit_office` is a role in a credit office only: `not_a_credit_office` when it is the caller's only role.
    * Without any law book nothing can be upheld: `law_book_not_read`.
    """
    if kind_of_caller(who) is CallerKind.OPERATOR:
        return Principal(who.subject, None, frozenset({OfficerRole.OPERATOR}))
    if who.department is None:
        raise reject("caller_without_department")
    if not book.version:
        raise reject("law_book_not_read")
    department = book.department(who.department)
    if department is None or not is_active_department(department, today):
        raise reject("caller_department_unknown", department=who.department)
    roles = who.roles - {OfficerRole.OPERATOR}
    if not roles:
        raise reject("caller_without_role")
    if not department.credit_office:
        roles -= {OfficerRole.CREDIT_OFFICE}
    if not roles:
        raise reject("not_a_credit_office")
    return Principal(who.subject, who.department, roles)
