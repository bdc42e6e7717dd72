"""What the registry orders: the topic `liandong.response`.

A response (响应) is one per (entry, subject, department), with a line (措施行) a measure. Keyed by the subject whom the
response reaches, which for a responsible person is that person.
"""

from datetime import date
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from shared.contracts.directory import CategoryId
from shared.contracts.event import (
    Contract,
    DepartmentId,
    DomainId,
    EntryId,
    EventId,
    InstrumentId,
    LineId,
    MeasureId,
    PublicEvent,
    ResponseId,
    SubjectKey,
    Topic,
)
from shared.contracts.lawbook import Duty, Force, ListKind, MeasureKind, Role, Undoing, Works
from shared.contracts.listing import Subject


class PolicyUsed(Contract):
    """A policy that had a say in a decision, in the version that did."""

    policy_id: str
    version: int


class Line(Contract):
    """One measure that one department must, or is invited to, apply; with the basis that it was directed on."""

    line_id: LineId
    measure_id: MeasureId
    measure_version: int
    text_zh: str
    kind: MeasureKind
    force: Force
    duty: Duty
    works: Works
    matters: tuple[str, ...] = ()
    instrument_id: InstrumentId
    instrument_version: int
    basis: str
    basis_valid_to: date | None = None
    on_end: Undoing
    on_error: Undoing
    nothing_to_undo_because: str = ""
    answer_within_days: int
    undo_within_days: int
    valid_on: date | None = Field(
        default=None, description="The day by which it was judged: published, instrument in force, basis valid"
    )
    implementer_category: CategoryId | None = Field(
        default=None, description="The kind of bodies by which the department implements; none: it is named"
    )
    as_roles: tuple[Role, ...] = Field(default=(), description="As whom the person is reached; empty: as listed")
    domains_listed: int = Field(default=1, description="Above 1: it follows from so many distinct domains (row 8)")


class EndMode(StrEnum):
    """How effects end (row 18)."""

    FROM_NOW = "from_now"
    """From then on: measures stop."""
    FROM_BEGINNING = "from_beginning"
    """From the beginning: measures stop, what was taken is restored."""


class RefusalReason(StrEnum):
    """Why the basis gate let a measure not pass (row 5, N2)."""

    UNPUBLISHED = "unpublished"
    NOT_YET_EFFECTIVE = "not_yet_effective"
    RETIRED = "retired"
    INSTRUMENT_NOT_IN_FORCE = "instrument_not_in_force"
    BASIS_NOT_VALID = "basis_not_valid"
    NO_IMPLEMENTER = "no_implementer"
    THIRD_PARTY_LIST = "third_party_list"
    """The list is for reference only (row 24)."""
    WATCH_NOT_PUBLIC = "watch_not_public"
    """The measure would publish an entry of the watch list."""
    NOT_IN_POLICY = "not_in_policy"
    """No document of the jurisdiction provides for it."""
    PASSED_UP = "passed_up"
    """It is asked of the level above (提请)."""
    OUTWEIGHED = "outweighed"
    """An incentive rests while the subject stands on a black or a watch list, as the policy says."""
    NO_LONGER_FOLLOWS = "no_longer_follows"
    """By the law of today it would not follow, and the milder law reaches back (从旧兼从轻)."""


class ResponseEvent(PublicEvent):
    TOPIC: ClassVar[Topic] = Topic.RESPONSE
    entry_id: EntryId
    subject: SubjectKey
    lawbook_version: int
    list_event_id: EventId = Field(description="The list event that this concludes")

    @property
    def partition_key(self) -> str:
        return self.subject


class ResponseDirected(ResponseEvent):
    """New lines of a response; the first such event of a `response_id` opens it."""

    TYPE: ClassVar[str] = "response.directed.v1"
    response_id: ResponseId
    department: DepartmentId
    of: Subject
    list_kind: ListKind
    domain_id: DomainId
    entry_subject: SubjectKey = Field(description="The listed subject; another than `subject` for a responsible person")
    jurisdiction: str
    until: date | None
    lines: tuple[Line, ...]
    policies: tuple[PolicyUsed, ...] = ()


class ResponseAmended(ResponseEvent):
    """A standing response changed: its term, or, by a later law book, its lines.

    The lines themselves are ended and directed by events of their own, which follow; this one says why.
    """

    TYPE: ClassVar[str] = "response.amended.v1"
    response_id: ResponseId
    department: DepartmentId
    until: date | None
    reason: str = ""
    before_lawbook_version: int | None = Field(
        default=None, description="It stood by this version until now; `lawbook_version` is the one that changed it"
    )
    ended: tuple[LineId, ...] = ()
    added: tuple[LineId, ...] = ()


class ResponseSuspended(ResponseEvent):
    TYPE: ClassVar[str] = "response.suspended.v1"
    response_id: ResponseId
    department: DepartmentId
    lines: tuple[LineId, ...]
    reason: str


class ResponseResumed(ResponseEvent):
    TYPE: ClassVar[str] = "response.resumed.v1"
    response_id: ResponseId
    department: DepartmentId
    lines: tuple[LineId, ...]
    reason: str


class ResponseEnded(ResponseEvent):
    """Lines are ended; every one that was applied owes an undoing."""

    TYPE: ClassVar[str] = "response.ended.v1"
    response_id: ResponseId
    department: DepartmentId
    lines: tuple[LineId, ...]
    mode: EndMode
    reason: str


class RefusedMeasure(Contract):
    """A measure that targets the subject and did not pass the basis gate."""

    measure_id: MeasureId
    measure_version: int | None = Field(description="None: unknown, from an event of the first version")
    instrument_id: InstrumentId | None = Field(description="None: unknown, from an event of the first version")
    reason: RefusalReason


class ResponseRefused(ResponseEvent):
    """The basis gate refused measures for this entry; nobody executes them.

    The first version gave pairs of measure and reason, and did not say which version of the measure was judged.
    """

    TYPE: ClassVar[str] = "response.refused.v2"
    refused: tuple[RefusedMeasure, ...]


class Settled(ResponseEvent):
    """The registry has dealt with a list event: `lines` are all that it ever directed for the entry, in order of id."""

    TYPE: ClassVar[str] = "response.settled.v1"
    list_event_type: str
    lines: tuple[LineId, ...]
    standing: int = Field(description="How many of these lines are not ended")
    ended: bool = Field(description="The entry is in force no longer")


ResponseChange = (
    ResponseDirected | ResponseAmended | ResponseSuspended | ResponseResumed | ResponseEnded | ResponseRefused | Settled
)
