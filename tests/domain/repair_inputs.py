"""A law book, officers and commands for the domain tests of repair."""

from datetime import UTC, datetime
from typing import Any

from services.repair.domain.commands import (
    Adopt,
    Command,
    Confirm,
    Decide,
    FileObjection,
    Officer,
    RefuseRepair,
    RejectObjection,
    RequestRepair,
    Return,
)
from services.repair.domain.content import Correction, Ending, Grant, Revocation, Upholding
from services.repair.domain.correction import Changes
from services.repair.domain.entry import ENTRY
from services.repair.domain.events import (
    DecisionConfirmed,
    DecisionMade,
    Ground,
)
from services.repair.domain.state import NotAdopted, State
from shared.calendar.working_days import SHANGHAI
from shared.contracts.event import DepartmentId, Event
from shared.contracts.lawbook import (
    Domain,
    Grade,
    ListKind,
)
from shared.contracts.listing import (
    Cause,
    Entry,
    EntrySuspended,
)
from shared.contracts.policy import Policy
from shared.lawbook.book import LawBook
from tests.builders import a_book, a_decision, a_department, a_domain, an_entry, the_regions
from tests.decider import Given, given
from tests.policies import a_policy

TAX = DepartmentId("example-tax")
COURT = DepartmentId("example-court")
OFFICE = DepartmentId("example-credit-office")
OFFICER = Officer("li", TAX)
SECOND = Officer("wang", TAX)
FILER = Officer("chen", TAX)
CREDIT_OFFICES = {
    "city-office": "410300",
    "province-office": "410000",
    "county-office": "410308",
    "other-office": "410900",
}
"""Of the regions of the builders; the entry is of 410300."""
NOON = datetime(2026, 5, 6, 4, tzinfo=UTC)


def shanghai(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


def graded(domain_id: str, **changes: Any) -> Domain:
    grades = (
        Grade(code="ordinary", name_zh="一般", name_en="Ordinary"),
        Grade(code="serious", name_zh="严重", name_en="Serious"),
    )
    return a_domain(domain_id, grades=grades, **changes)


def book(*policies: Policy) -> LawBook:
    customs = graded("customs", may_list=(DepartmentId("example-customs"),))
    offices = [a_department(name, region=region, credit_office=True) for name, region in CREDIT_OFFICES.items()]
    return a_book(
        [*the_regions(), *offices, graded("tax"), customs, graded("red-only", lists=(ListKind.RED,)), *policies]
    )


BOOK = book(a_policy())
FROM_VERIFICATION = book(a_policy(suspension_begins="verification"))
ALSO_PUBLICITY = book(a_policy(suspend_publicity_on_objection=True, suspend_sharing_on_objection=True))
NOT_SUSPENDING = book(a_policy(suspend_measures_on_objection=False, objection_verify_days=5))


def entry(**changes: Any) -> Entry:
    """A serious black entry. Three departments are responsible for it: one initiated, one decided, one published it."""
    ours: dict[str, Any] = {"grade": "serious", "decision": a_decision(decided_by=COURT), "published_by": OFFICE}
    return an_entry(**(ours | changes))


# --- given, when, then -----------------------------------------------------------------------------------------------

UNREAD = given(ENTRY, now=NOON)
"""Nothing was read of the entry."""


def adopt(of: Entry) -> Adopt:
    return Adopt(of, lawbook_version=4, published_as="event-1")


def listed(*commands: Command, of: Entry | None = None) -> Given[State, Command]:
    """The entry after its adoption and these commands, all at noon. A second officer confirms what awaits it."""
    state = UNREAD.having(adopt(of or entry()))
    for command in commands:
        state = carried_out(state, command)
    return state


def carried_out(state: Given[State, Command], command: Command, now: datetime | None = None) -> Given[State, Command]:
    """The entry after a command, and after its confirmation if it needs one."""
    before, state = awaiting(state.state), state.having(command, now=now)
    if before is None and (decision_id := awaiting(state.state)) is not None:
        return state.having(confirm(decision_id), now=now)
    return state


def follows(state: Given[State, Command], command: Command, now: datetime | None = None) -> list[Event]:
    """The events of the confirmation of a decision."""
    decided = state.when(command, now)
    decided.then_types(DecisionMade, *([EntrySuspended] if len(decided.events) > 1 else []))
    confirmation, *events = decided.next.when(confirm(), now).events
    assert isinstance(confirmation, DecisionConfirmed)
    return events


def awaiting(state: State) -> str | None:
    return None if isinstance(state, NotAdopted) or state.awaiting is None else state.awaiting.decision_id


def confirm(decision_id: str = "D", by: Officer = SECOND, law: LawBook | None = None) -> Confirm:
    return Confirm(by, law or BOOK, decision_id)


def return_(by: Officer = SECOND, decision_id: str = "D") -> Return:
    return Return(by, BOOK, decision_id, "材料不全")


def correct(by: Officer = OFFICER, cause: Cause = Cause.ERROR, law: LawBook | None = None, **changes: Any) -> Decide:
    content = Correction(
        changes=Changes(**changes), cause=cause, reason="录入有误", document_number="示例更正〔2026〕1号"
    )
    return Decide(by, law or BOOK, "D", content)


def revoke(by: Officer = OFFICER, cause: Cause = Cause.LITIGATION) -> Decide:
    content = Revocation(cause=cause, reason="判决撤销", document_number="示例行初〔2026〕1号")
    return Decide(by, BOOK, "D", content)


def end(cause: Cause = Cause.WITHDRAWN, by: Officer = OFFICER) -> Decide:
    return Decide(by, BOOK, "D", Ending(cause=cause, reason="示例理由"))


def objection(
    case_id: str = "A", law: LawBook | None = None, by: Officer = FILER, ground: Ground | None = None, new: str = ""
) -> FileObjection:
    """On a ground of its own for each case, unless one is given."""
    grounds = {"A": Ground.FACTS, "B": Ground.IDENTITY, "C": Ground.BASIS}
    ground = ground or grounds.get(case_id, Ground.OTHER)
    return FileObjection(by, law or BOOK, case_id, "并非本公司所为", ground, new)


def uphold(case_id: str = "A", changes: Changes | None = None, by: Officer = OFFICER) -> Decide:
    content = Upholding(
        case_id=case_id, reason="经核实，异议成立", document_number="示例异议〔2026〕1号", changes=changes
    )
    return Decide(by, BOOK, "D", content)


def reject_objection(case_id: str = "A", by: Officer = OFFICER) -> RejectObjection:
    return RejectObjection(by, BOOK, case_id, "经核实，认定无误")


def request(case_id: str = "R", evidence: str = "完税证明 示例1号", by: Officer = FILER) -> RequestRepair:
    return RequestRepair(by, BOOK, case_id, "已补缴税款", evidence)


def grant(case_id: str = "R", by: Officer = OFFICER, law: LawBook | None = None) -> Decide:
    content = Grant(case_id=case_id, reason="符合修复条件", document_number="示例修复〔2026〕1号")
    return Decide(by, law or BOOK, "D", content)


def refuse(case_id: str = "R", by: Officer = OFFICER) -> RefuseRepair:
    return RefuseRepair(by, BOOK, case_id, "尚未履行义务")
