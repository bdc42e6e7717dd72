"""Who may do what, where: decided from the caller, the law book and a region, in one place (row 25)."""

from shared.authority.callers import CallerKind, kind_of_caller
from shared.authority.upholding import upheld
from shared.lawbook.responsibility import is_active_department, is_credit_office_for, is_responsible, regions_of

__all__ = [
    "CallerKind",
    "is_active_department",
    "is_credit_office_for",
    "is_responsible",
    "kind_of_caller",
    "regions_of",
    "upheld",
]
