"""Bodies of `/v1/subjects`: a subject's file, as far as the caller may see it."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from services.registry.api.person_reading import ReadingGrounds
from services.registry.domain.file import LineInFile
from services.registry.domain.sharing import Extent, Question, Reader, Shown, ShownEntry
from services.registry.views.files import FileAsOf
from shared.contracts.event import MeasureId, SubjectKey
from shared.contracts.lawbook import ListKind, MeasureKind, Role, SubjectKind
from shared.contracts.listing import Entry, Notice, Origin, Subject
from shared.identity import kind_of
from shared.lawbook.book import LawBook
from shared.web.language import language
from shared.web.subjects import ShownKey
from shared.web.wording import Wording


class AsOf(BaseModel):
    """The day, and the time of knowledge, of a question about a file."""

    effective_at: date | None = Field(default=None, description="What was in force on this day; today when absent")
    known_at: datetime | None = Field(default=None, description="What the registry knew then; now when absent")
    history: bool = Field(
        default=False,
        description="Also what has left its list. History, a past day and `known_at` are answered for entries that the caller's "
        "department answers for, and to credit offices and auditors of their region",
    )


class SubjectQuery(AsOf, ReadingGrounds):
    """A question with the number in the body: the only way for a natural person."""

    scheme: str
    number: str


class SubjectShown(BaseModel):
    """A subject. The name of a natural person is masked; its number and key are never shown."""

    key: ShownKey
    kind: SubjectKind
    name: str


class ResponsibleShown(BaseModel):
    subject: SubjectShown
    role: Role


class DecisionShown(BaseModel):
    document_number: str
    decided_by: str
    decided_on: date
    facts: str | None = Field(description="null: only for those who see the entry whole")
    legal_basis: str | None = Field(description="null: only for those who see the entry whole")
    act_ended_on: date | None


class EntryShown(BaseModel):
    """The content of an entry, as far as `extent` says."""

    entry_id: str
    list_kind: ListKind
    domain_id: str
    grade: str | None
    subject: SubjectShown
    responsible: list[ResponsibleShown]
    initiated_by: str
    published_by: str
    decision: DecisionShown
    notice: Notice | None
    jurisdiction: str
    term_from: date
    term_to: date | None
    public: bool
    able_but_unwilling: bool
    origin: Origin


class EntryBody(BaseModel):
    """One entry in a subject's file."""

    entry: EntryShown
    extent: Extent = Field(description="whole; own_measures: what the caller's department carries out; public")
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
    measure_version: int
    text_zh: str | None
    kind: MeasureKind
    basis: str | None
    suspended: bool
    ended: str | None


class SubjectBody(BaseModel):
    """What the caller may see of a subject's file. Nothing in it is no statement that there is nothing."""

    subject: ShownKey
    kind: SubjectKind
    version: int
    known_at: datetime
    effective_at: date
    scope: str = Field(description="What the answer covers, in words")
    entries: list[EntryBody]
    lines: list[LineBody]


def subject_body(
    key: SubjectKey, found: FileAsOf, part: Shown, by: Reader, asked: Question, book: LawBook, wording: Wording
) -> SubjectBody:
    return SubjectBody(
        subject=key,
        kind=kind_of(key),
        version=found.version,
        known_at=found.known_at,
        effective_at=asked.day,
        scope=_scope(by, kind_of(key), asked, wording),
        entries=[_entry(one) for one in part.entries],
        lines=[_line(line, book) for line in part.lines],
    )


def _scope(by: Reader, kind: SubjectKind, asked: Question, wording: Wording) -> str:
    """Which entries are shown, and that the answer states nothing about others."""
    if asked.is_about_the_past:
        terms = ["Scope.answers_for"]
    else:
        terms = ["Scope.answers_for", "Scope.own_measures"] + (
            ["Scope.public"] if kind is not SubjectKind.PERSON else []
        )
    if by.oversees:
        terms.append("Scope.oversees")
    words = "；".join(wording.term(term, {}, language()) or term for term in terms)
    return wording.term("Scope", {"parts": words}, language()) or words


def _entry(one: ShownEntry) -> EntryBody:
    held = one.held
    return EntryBody(
        entry=_content(held.entry, one.extent),
        extent=one.extent,
        roles=held.roles,
        in_force=one.in_force,
        suspended=held.suspended,
        ended=held.ended,
        ended_on=held.ended_on,
        cause=held.cause,
    )


def _content(entry: Entry, extent: Extent) -> EntryShown:
    whole, decision = extent is Extent.WHOLE, entry.decision
    return EntryShown(
        entry_id=entry.entry_id,
        list_kind=entry.list_kind,
        domain_id=entry.domain_id,
        grade=entry.grade,
        subject=_subject(entry.subject),
        responsible=[
            ResponsibleShown(subject=_subject(person.subject), role=person.role)
            for person in (entry.responsible if whole else ())
        ],
        initiated_by=entry.initiated_by,
        published_by=entry.published_by,
        decision=DecisionShown(
            document_number=decision.document_number,
            decided_by=decision.decided_by,
            decided_on=decision.decided_on,
            facts=decision.facts if whole else None,
            legal_basis=decision.legal_basis if whole else None,
            act_ended_on=decision.act_ended_on if whole else None,
        ),
        notice=entry.notice if whole else None,
        jurisdiction=entry.jurisdiction,
        term_from=entry.term_from,
        term_to=entry.term_to,
        public=entry.public,
        able_but_unwilling=entry.able_but_unwilling,
        origin=entry.origin,
    )


def _subject(subject: Subject) -> SubjectShown:
    return SubjectShown(key=subject.key, kind=subject.kind, name=subject.name)


def _line(line: LineInFile, book: LawBook) -> LineBody:
    measure = book.measure(MeasureId(line.measure_id), line.measure_version)
    return LineBody(
        line_id=line.line_id,
        entry_id=line.entry_id,
        department=line.department,
        measure_id=line.measure_id,
        measure_version=line.measure_version,
        text_zh=measure.text_zh if measure else None,
        kind=line.kind,
        basis="；".join(f"{one.document} {one.article}".strip() for one in measure.basis) if measure else None,
        suspended=line.suspended,
        ended=line.ended,
    )
