"""What the registry orders: the topic `liandong.response`.

There is one response (响应) for each (entry, subject, department), with one line (措施行) for each measure. The key is the
subject that the response reaches; for a responsible person it is that person.
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
from shared.contracts.lawbook import (
    Duty,
    Force,
    ListKind,
    MeasureKind,
    Role,
    Undoing,
    Works,
)
from shared.contracts.listing import Subject


class PolicyUsed(Contract):
    """A policy that was used in a decision, with its version."""

    policy_id: str
    version: int


class Line(Contract):
    """One measure that one department must apply or is invited to apply, with its legal basis."""

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
        default=None, description="The day of the test: published, instrument in force, basis valid"
    )
    implementer_category: CategoryId | None = Field(
        default=None, description="The category by which the department implements; null: it is named itself"
    )
    as_roles: tuple[Role, ...] = Field(
        default=(), description="Roles in which the person is reached; empty: as the listed subject"
    )
    domains_listed: int = Field(
        default=1, description="Above 1: it follows from entries in so many distinct domains (row 8)"
    )


class EndMode(StrEnum):
    """How effects end (row 18)."""

    FROM_NOW = "from_now"
    """From now on: measures stop."""
    FROM_BEGINNING = "from_beginning"
    """From the beginning: measures stop, and what was taken is restored."""

    def goes_further_than(self, earlier: "EndMode | None") -> bool:
        """Whether an end in this mode changes something after an earlier end (None: there was none).

        An end from the beginning goes further than one from now on.
        """
        return earlier is None or (self is EndMode.FROM_BEGINNING and earlier is EndMode.FROM_NOW)


class RefusalReason(StrEnum):
    """Why the basis gate refused a measure (row 5, N2)."""

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
    """It is requested from the level above (提请)."""
    OUTWEIGHED = "outweighed"
    """An incentive is suspended while the subject is on a black or a watch list, by the policy."""
    NO_LONGER_FOLLOWS = "no_longer_follows"
    """By today's law it does not follow, and the milder law applies to older entries (从旧兼从轻)."""


class ResponseEvent(PublicEvent):
    TOPIC: ClassVar[Topic] = Topic.RESPONSE
    entry_id: EntryId
    subject: SubjectKey
    lawbook_version: int
    list_event_id: EventId = Field(description="The list event that caused this event")

    @property
    def partition_key(self) -> str:
        return self.subject


class ResponseDirected(ResponseEvent):
    """New lines of a response. The first such event of a `response_id` opens the response."""

    TYPE: ClassVar[str] = "response.directed.v1"
    response_id: ResponseId
    department: DepartmentId
    of: Subject
    list_kind: ListKind
    domain_id: DomainId
    entry_subject: SubjectKey = Field(description="The listed subject; differs from `subject` for a responsible person")
    jurisdiction: str
    until: date | None
    lines: tuple[Line, ...]
    policies: tuple[PolicyUsed, ...] = ()


class ResponseAmended(ResponseEvent):
    """An active response changed: its term or, because of a later law book, its lines.

    Separate events, which follow, end and direct the lines themselves. This event states why.
    """

    TYPE: ClassVar[str] = "response.amended.v1"
    response_id: ResponseId
    department: DepartmentId
    until: date | None
    reason: str = ""
    before_lawbook_version: int | None = Field(
        default=None, description="The version that applied until now; `lawbook_version` is the one that changed it"
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
    """Lines are ended. Every line that was applied must be undone."""

    TYPE: ClassVar[str] = "response.ended.v1"
    response_id: ResponseId
    department: DepartmentId
    lines: tuple[LineId, ...]
    mode: EndMode
    reason: str


class RefusedMeasure(Contract):
    """A measure that targets the subject but did not pass the basis gate."""

    measure_id: MeasureId
    measure_version: int | None = Field(description="Null: unknown, from an event of version 1")
    instrument_id: InstrumentId | None = Field(description="Null: unknown, from an event of version 1")
    reason: RefusalReason


class ResponseRefused(ResponseEvent):
    """The basis gate refused measures for this entry. No department executes them.

    Version 1 had pairs of measure and reason, without the version of the measure.
    """

    TYPE: ClassVar[str] = "response.refused.v2"
    refused: tuple[RefusedMeasure, ...]


class Settled(ResponseEvent):
    """The registry has processed a list event. `lines`: all lines ever directed for the entry, in order of their ids."""

    TYPE: ClassVar[str] = "response.settled.v1"
    list_event_type: str
    lines: tuple[LineId, ...]
    standing: int = Field(description="The number of these lines that are not ended")
    ended: bool = Field(description="The entry is no longer in force")


ResponseChange = (
    ResponseDirected | ResponseAmended | ResponseSuspended | ResponseResumed | ResponseEnded | ResponseRefused | Settled
)
