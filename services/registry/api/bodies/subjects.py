"""Bodies of `/v1/subjects`: a subject's whole file."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from services.registry.domain.file import EntryInFile, LineInFile
from services.registry.views.files import FileAsOf, in_force
from shared.contracts.event import SubjectKey
from shared.contracts.lawbook import Role
from shared.contracts.listing import Entry


class AsOf(BaseModel):
    """The day, and the time of knowledge, of a question about a file."""

    effective_at: date | None = Field(default=None, description="What was in force on this day; today when absent")
    known_at: datetime | None = Field(default=None, description="What the registry knew then; now when absent")


class SubjectQuery(AsOf):
    """A question with the number in the body: the only way for a natural person."""

    scheme: str
    number: str


class EntryBody(BaseModel):
    """One entry in a subject's file."""

    entry: Entry
    roles: tuple[Role, ...] = Field(
        description="The roles in which the subject is responsible; empty: it is the listed subject"
    )
    in_force: bool = Field(description="Whether it was in force on `effective_at`")
    suspended: bool
    ended: str | None = Field(description="from_now or from_beginning, once it has ended")
    ended_on: date | None
    cause: str | None


class LineBody(BaseModel):
    """One line directed to a department because of an entry."""

    line_id: str
    entry_id: str
    department: str
    measure_id: str
    suspended: bool
    ended: str | None


class SubjectBody(BaseModel):
    """A subject's whole file."""

    subject: SubjectKey
    version: int
    known_at: datetime
    effective_at: date
    entries: list[EntryBody]
    lines: list[LineBody]


def subject_body(key: SubjectKey, found: FileAsOf, day: date) -> SubjectBody:
    return SubjectBody(
        subject=key,
        version=found.version,
        known_at=found.known_at,
        effective_at=day,
        entries=[_entry(held, day) for held in found.file.entries.values()],
        lines=[_line(line) for line in found.file.lines.values()],
    )


def _entry(held: EntryInFile, day: date) -> EntryBody:
    return EntryBody(
        entry=held.entry,
        roles=held.roles,
        in_force=in_force(held, day),
        suspended=held.suspended,
        ended=held.ended,
        ended_on=held.ended_on,
        cause=held.cause,
    )


def _line(line: LineInFile) -> LineBody:
    return LineBody(
        line_id=line.line_id,
        entry_id=line.entry_id,
        department=line.department,
        measure_id=line.measure_id,
        suspended=line.suspended,
        ended=line.ended,
    )
