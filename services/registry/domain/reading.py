"""A reading of a natural person (row 25): who asked, for what purpose, about whom, and what was shown. It is recorded first.

The number of persons that one account, and one department, reads in an hour is limited. A refusal is recorded as well, once for
each account and hour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import ClassVar

from shared.contracts.event import Contract, DepartmentId, EntryId, Event, SubjectKey
from shared.decider import Decider
from shared.identity.normalisation import normalised
from shared.identity.personal_numbers import contains_personal_number
from shared.rejection import Rejected, reject
from shared.trust.principal import OfficerRole

LONGEST_BUSINESS_NUMBER = 100
WINDOW = timedelta(hours=1)


class Purpose(StrEnum):
    """Why a natural person is read (查询用途)."""

    LISTING = "listing"  # 名单认定
    APPROVAL_OR_SUPERVISION = "approval_or_supervision"  # 行政审批与监管
    EXECUTION_OF_MEASURES = "execution_of_measures"  # 奖惩措施实施
    VERIFICATION_OF_OBJECTION = "verification_of_objection"  # 异议核实
    REPAIR = "repair"  # 信用修复
    OVERSIGHT = "oversight"  # 统筹督导
    AUDIT = "audit"  # 审计监督


_PURPOSES: Mapping[OfficerRole, frozenset[Purpose]] = {
    OfficerRole.LISTER: frozenset({Purpose.LISTING}),
    OfficerRole.APPROVER: frozenset({Purpose.LISTING}),
    OfficerRole.EXECUTOR: frozenset({Purpose.APPROVAL_OR_SUPERVISION, Purpose.EXECUTION_OF_MEASURES}),
    OfficerRole.SYSTEM: frozenset({Purpose.LISTING, Purpose.APPROVAL_OR_SUPERVISION, Purpose.EXECUTION_OF_MEASURES}),
    OfficerRole.REPAIRER: frozenset({Purpose.VERIFICATION_OF_OBJECTION, Purpose.REPAIR}),
    OfficerRole.CREDIT_OFFICE: frozenset({Purpose.VERIFICATION_OF_OBJECTION, Purpose.REPAIR, Purpose.OVERSIGHT}),
    OfficerRole.AUDITOR: frozenset({Purpose.AUDIT}),
}


def purposes_of(roles: frozenset[OfficerRole]) -> frozenset[Purpose]:
    """The purposes for which callers with these roles may read a person."""
    return frozenset(purpose for role in roles for purpose in _PURPOSES.get(role, ()))


class Asked(StrEnum):
    """The question that was asked about the person."""

    FILE = "file"
    CLEAN_RECORD = "clean_record"


class Limit(StrEnum):
    """The limit that a reading reached."""

    ACCOUNT = "account"
    DEPARTMENT = "department"


class EntryRead(Contract):
    """An entry that the answer showed."""

    entry_id: EntryId
    jurisdiction: str


class ReadingEvent(Event):
    """Who asked, why, when, and about whom."""

    reading_id: str
    read_at: datetime
    account: str
    department: DepartmentId
    region: str
    """The region of the department."""
    roles: tuple[OfficerRole, ...]
    purpose: Purpose
    business_number: str
    subject: SubjectKey
    asked: Asked


class PersonRead(ReadingEvent):
    """A natural person was read. The event is durable before the answer is sent."""

    TYPE: ClassVar[str] = "registry.person_read.v1"
    effective_at: date
    known_at: datetime | None
    """The time of knowledge that was asked for; None: the present."""
    history: bool
    entries: tuple[EntryRead, ...]


class ReadingRefused(ReadingEvent):
    """A reading was refused, because so many persons were read within the hour."""

    TYPE: ClassVar[str] = "registry.reading_refused.v1"
    limit: Limit


@dataclass(frozen=True, slots=True)
class Recent:
    """Other persons whom an account, or a department, has read within the hour.

    `free_at`: when the first of these readings is an hour old.
    """

    persons: int
    free_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """A limit that one more person would exceed."""

    limit: Limit
    most: int
    free_at: datetime | None

    def seconds(self, now: datetime) -> int:
        """After how many seconds another person can be read, at least one."""
        return max(1, ceil((self.free_at - now).total_seconds())) if self.free_at else 1


@dataclass(frozen=True, slots=True)
class Limits:
    """Persons an hour."""

    account: int
    department: int

    def reached(self, account: Recent, department: Recent) -> Reached | None:
        """The first limit that one more person would exceed."""
        if account.persons >= self.account:
            return Reached(Limit.ACCOUNT, self.account, account.free_at)
        if department.persons >= self.department:
            return Reached(Limit.DEPARTMENT, self.department, department.free_at)
        return None


@dataclass(frozen=True, slots=True)
class RecordReading:
    """Record what is about to be answered."""

    event: PersonRead


@dataclass(frozen=True, slots=True)
class RecordRefusal:
    """Record that the limit was reached; `recorded`: a refusal of this account within the hour is recorded already."""

    event: ReadingRefused
    recorded: bool


Command = RecordReading | RecordRefusal


def decide(state: None, command: Command, now: datetime) -> Sequence[Event]:
    """Raises Rejected: `purpose_not_of_role`, and the codes of `business_number_fault`."""
    event = command.event
    if event.purpose not in purposes_of(frozenset(event.roles)):
        raise reject("purpose_not_of_role", "purpose", purpose=event.purpose)
    if fault := business_number_fault(event.business_number):
        raise fault
    if isinstance(command, RecordRefusal) and command.recorded:
        return []
    return [event]


def business_number_fault(number: str) -> Rejected | None:
    """Why this is no business number (办件编号); None if it is one."""
    if not number.strip():
        return reject("business_number_missing", "business_number")
    if len(number) > LONGEST_BUSINESS_NUMBER:
        return reject("business_number_too_long", "business_number", limit=LONGEST_BUSINESS_NUMBER)
    if contains_personal_number(number) or contains_personal_number(normalised(number)):
        return reject("personal_number_in_text", "business_number")
    return None


READING: Decider[None, Command] = Decider("reading", None, decide, lambda state, event: None)
"""Streams `reading-<reading_id>`, of one event each."""
