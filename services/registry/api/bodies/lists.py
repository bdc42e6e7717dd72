"""Bodies of published lists and the public search."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel

from shared.contracts.listing import Entry
from shared.web.paging import Page, cut
from shared.web.subjects import ShownKey


class PublicEntry(BaseModel):
    """The fields of an entry that are public."""

    entry_id: str
    list_kind: str
    domain_id: str
    name: str
    subject: ShownKey
    document_number: str
    decided_on: date
    legal_basis: str
    published_by: str
    term_from: date
    term_to: date | None


class PublicPage(Page[PublicEntry]):
    """Public entries in force on a day. An empty page only says that these lists show none."""

    as_of: date


def public_page(rows: Sequence[Any], limit: int, day: date) -> PublicPage:
    """`rows`: at most `limit + 1`."""
    page, following = cut(rows, limit, lambda row: row.entry_id)
    items = [_public(Entry.model_validate_json(row.entry)) for row in page]
    return PublicPage(items=items, as_of=day, next=following)


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
