"""Bodies of conflicts (N8)."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from shared.web.paging import Page, cut
from shared.web.subjects import ShownKey


class Conflict(BaseModel):
    """A subject on red and black lists at once, or on several black lists. A natural person is known by its entries only."""

    subject: ShownKey
    red: int
    black_domains: int = Field(description="On the black lists of how many domains")
    entry_ids: list[str]


def conflict_page(rows: Sequence[Any], limit: int) -> Page[Conflict]:
    """`rows`: at most `limit + 1`."""
    page, following = cut(rows, limit, lambda row: row.first)
    items = [
        Conflict(subject=row.subject_key, red=row.red, black_domains=row.black_domains, entry_ids=sorted(row.entry_ids))
        for row in page
    ]
    return Page(items=items, next=following)
