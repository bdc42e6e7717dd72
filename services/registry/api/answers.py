"""What the registry answers: the shapes, and how they are made from a file or from rows."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from services.registry.views.files import FileAsOf, in_force
from shared.contracts.event import SubjectKey
from shared.contracts.lawbook import Role
from shared.contracts.listing import Entry


class EntryAnswer(BaseModel):
    """One entry in a subject's file."""

    entry: Entry
    roles: tuple[Role, ...] = Field(description="As whom the subject is touched; none: it is the listed subject")
    in_force: bool = Field(description="Whether it held on `effective_at`")
    suspended: bool
    ended: str | None = Field(description="from_now or from_beginning, once it has ended")
    ended_on: date | None
    cause: str | None


class LineAnswer(BaseModel):
    """One line directed to a department because of an entry."""

    line_id: str
    entry_id: str
    department: str
    measure_id: str
    suspended: bool
    ended: str | None


class SubjectAnswer(BaseModel):
    """A subject's whole file."""

    subject: SubjectKey
    version: int
    known_at: datetime
    effective_at: date
    entries: list[EntryAnswer]
    lines: list[LineAnswer]


class PublicEntry(BaseModel):
    """What everyone may see of an entry."""

    entry_id: str
    list_kind: str
    domain_id: str
    name: str
    subject: SubjectKey
    document_number: str
    decided_on: date
    legal_basis: str
    published_by: str
    term_from: date
    term_to: date | None


class PublicPage(BaseModel):
    """Public entries in force on a day; an empty page certifies nothing but that these lists show none."""

    items: list[PublicEntry]
    as_of: date
    next: str | None


class Conflict(BaseModel):
    subject: SubjectKey
    red: int
    black_domains: int
    entry_ids: list[str]


class ConflictPage(BaseModel):
    items: list[Conflict]
    next: str | None


def subject_answer(key: SubjectKey, found: FileAsOf, day: date) -> SubjectAnswer:
    file = found.file
    return SubjectAnswer(
        subject=key,
        version=found.version,
        known_at=found.known_at,
        effective_at=day,
        entries=[
            EntryAnswer(
                entry=held.entry,
                roles=held.roles,
                in_force=in_force(held, day),
                suspended=held.suspended,
                ended=held.ended,
                ended_on=held.ended_on,
                cause=held.cause,
            )
            for held in file.entries.values()
        ],
        lines=[
            LineAnswer(
                line_id=line.line_id,
                entry_id=line.entry_id,
                department=line.department,
                measure_id=line.measure_id,
                suspended=line.suspended,
                ended=line.ended,
            )
            for line in file.lines.values()
        ],
    )


def public_page(rows: Sequence[Any], limit: int, day: date) -> PublicPage:
    items = [_public(Entry.model_validate_json(row.entry)) for row in rows]
    return PublicPage(items=items, as_of=day, next=items[-1].entry_id if len(items) == limit else None)


def _public(entry: Entry) -> PublicEntry:
    return PublicEntry(
        entry_id=entry.entry_id,
        list_kind=entry.list_kind,
        domain_id=entry.domain_id,
        name=entry.subject.name,
        subject=entry.subject.key,
        document_number=entry.decision.document_number,
        decided_on=entry.decision.decided_on,
        legal_basis=entry.decision.legal_basis,
        published_by=entry.published_by,
        term_from=entry.term_from,
        term_to=entry.term_to,
    )


def conflict_page(rows: Sequence[Any], limit: int) -> ConflictPage:
    items = [
        Conflict(subject=row.subject_key, red=row.red, black_domains=row.black_domains, entry_ids=sorted(row.entry_ids))
        for row in rows
    ]
    return ConflictPage(items=items, next=items[-1].subject if len(items) == limit else None)
