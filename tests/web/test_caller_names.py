"""The names under which the Idempotency-Keys of callers are stored are different for different callers."""

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.event import DepartmentId
from shared.trust import Principal
from shared.web.writing import _caller_name

NAMES = st.text(alphabet="ab/-%", min_size=1, max_size=6)


def caller(department: str | None, subject: str) -> Principal:
    return Principal(subject, None if department is None else DepartmentId(department), frozenset())


def test_a_slash_in_a_department_or_an_account_does_not_make_two_callers_one() -> None:
    assert _caller_name(caller("a/b", "c")) != _caller_name(caller("a", "b/c"))


@given(NAMES, NAMES, NAMES, NAMES)
def test_different_callers_have_different_names(department: str, subject: str, other: str, another: str) -> None:
    same = (department, subject) == (other, another)
    assert (_caller_name(caller(department, subject)) == _caller_name(caller(other, another))) is same
