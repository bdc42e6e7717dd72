"""The five kinds of callers. A token alone gives nothing: it only says who asks."""

from enum import StrEnum

from shared.trust.principal import OfficerRole, Principal


class CallerKind(StrEnum):
    """What a caller is, by its token."""

    DEPARTMENT = "department"
    """An officer of a department, or the department's own system."""
    OPERATOR = "operator"
    """Runs the system; acts for no department, and may use the operators' routes only."""
    SERVICE = "service"
    """Another service of the system."""
    SUBJECT = "subject"
    """A listed subject that reads its own records."""
    PUBLIC = "public"
    """Anybody: no token."""


def kind_of_caller(who: Principal | None) -> CallerKind | None:
    """The kind of a caller; None for a token that is of no kind (no department, and not an operator's).

    Tokens of services and of subjects are not issued yet.
    """
    if who is None:
        return CallerKind.PUBLIC
    if who.department is not None:
        return CallerKind.DEPARTMENT
    return CallerKind.OPERATOR if who.has(OfficerRole.OPERATOR) else None
