"""Bodies of published lists, exits and the public search.

What is public holds no key of a natural person and no ciphertext: a person appears with the masked name only.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from services.registry.api.day_cursors import day_cursor
from services.registry.api.places import Places
from shared.contracts.event import DepartmentId, DomainId
from shared.contracts.lawbook import Channel, SubjectKind
from shared.contracts.listing import Entry, Subject
from shared.identity.keys import LEGAL_SCHEME
from shared.lawbook.book import LawBook
from shared.web.paging import Page, cut


class PublicSubject(BaseModel):
    """A listed subject as the public sees it."""

    entry_id: str
    list_kind: str
    domain_id: str
    domain_name_zh: str
    domain_name_en: str
    region: str = Field(description="GB/T 2260, six digits")
    region_name_zh: str
    region_name_en: str
    name: str = Field(description="Of a natural person masked (示＊)")
    subject_kind: SubjectKind
    credit_code: str | None = Field(description="统一社会信用代码; null for natural persons and other subjects")


class PublicEntry(PublicSubject):
    """The fields of an entry that are public."""

    grade: str | None
    document_number: str
    decided_on: date
    decided_by: DepartmentId
    legal_basis: str
    published_by: DepartmentId
    credit_office: DepartmentId | None = Field(description="The credit office that is responsible for the region")
    term_from: date
    term_to: date | None
    public_until: date | None = Field(description="Last day of publicity; null: no end is known")


class PublicDepartment(BaseModel):
    """A department that the entries of a page name, and how to reach it with an objection (异议渠道)."""

    department_id: DepartmentId
    name_zh: str
    name_en: str
    channels: tuple[Channel, ...]


class PublicPage(Page[PublicEntry]):
    """Public entries in force on a day. An empty page only says that these lists show none."""

    as_of: date
    departments: list[PublicDepartment]


class PastEntry(PublicEntry):
    """An entry that was public on a day."""

    ended_on: date | None = Field(description="The first day on which it was no longer in force")


class PastPage(Page[PastEntry]):
    """What was public on a day, as far as is known now."""

    as_of: date


class Exit(PublicSubject):
    """An entry that is no longer on the public list. The reason is not public."""

    left_on: date = Field(description="The first day on which it was not public any more")


class ExitPage(Page[Exit]):
    """Exits by day. They are kept for twelve months, so that an exit does not become a record of its own."""

    since: date
    as_of: date


def public_page(rows: Sequence[Any], limit: int, day: date, book: LawBook) -> PublicPage:
    """`rows`: at most `limit + 1`. `day`: that of the listing, which the cursor carries."""
    page, following = cut(rows, limit, lambda row: day_cursor(day, row.entry_id))
    items = [public_entry(row, book) for row in page]
    return PublicPage(items=items, as_of=day, next=following, departments=_departments(items, book))


def past_page(rows: Sequence[Any], limit: int, day: date, book: LawBook) -> PastPage:
    """`rows`: at most `limit + 1`."""
    page, following = cut(rows, limit, lambda row: row.entry_id)
    items = [PastEntry(**dict(public_entry(row, book)), ended_on=row.ended_on) for row in page]
    return PastPage(items=items, as_of=day, next=following)


def exit_page(rows: Sequence[Any], limit: int, since: date, today: date, book: LawBook) -> ExitPage:
    """`rows`: at most `limit + 1`."""
    page, following = cut(rows, limit, lambda row: day_cursor(row.left_on, row.entry_id))
    return ExitPage(items=[exit_of(row, book) for row in page], since=since, as_of=today, next=following)


def public_entry(row: Any, book: LawBook) -> PublicEntry:
    entry = Entry.model_validate_json(row.entry)
    office = book.derived(Places).credit_office(entry.jurisdiction)
    return PublicEntry(
        **_subject(entry, book),
        grade=entry.grade,
        document_number=entry.decision.document_number,
        decided_on=entry.decision.decided_on,
        decided_by=entry.decision.decided_by,
        legal_basis=entry.decision.legal_basis,
        published_by=entry.published_by,
        credit_office=office.department_id if office else None,
        term_from=entry.term_from,
        term_to=entry.term_to,
        public_until=row.public_until,
    )


def exit_of(row: Any, book: LawBook) -> Exit:
    return Exit(**_subject(Entry.model_validate_json(row.entry), book), left_on=row.left_on)


def _subject(entry: Entry, book: LawBook) -> dict[str, Any]:
    domain, region = book.domain(DomainId(entry.domain_id)), book.regions.get(entry.jurisdiction)
    return {
        "entry_id": entry.entry_id,
        "list_kind": entry.list_kind,
        "domain_id": entry.domain_id,
        "domain_name_zh": domain.name_zh if domain else "",
        "domain_name_en": domain.name_en if domain else "",
        "region": entry.jurisdiction,
        "region_name_zh": region.name_zh if region else "",
        "region_name_en": region.name_en if region else "",
        "name": entry.subject.name,
        "subject_kind": entry.subject.kind,
        "credit_code": _credit_code(entry.subject),
    }


def _credit_code(subject: Subject) -> str | None:
    scheme, _, number = subject.key.partition(":")
    return number if scheme == LEGAL_SCHEME else None


def _departments(items: Iterable[PublicEntry], book: LawBook) -> list[PublicDepartment]:
    named = {one for item in items for one in (item.decided_by, item.published_by, item.credit_office) if one}
    found = [department for one in sorted(named) if (department := book.department(one)) is not None]
    return [
        PublicDepartment(
            department_id=one.department_id, name_zh=one.name_zh, name_en=one.name_en, channels=one.channels
        )
        for one in found
    ]
