"""Bodies of `/v1/readings`: who read a natural person, why and when. Never about whom."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from services.registry.domain.reading import Asked, Limit, Purpose
from shared.web.language import language
from shared.web.paging import Page, cut
from shared.web.wording import Wording


class ReadingBody(BaseModel):
    """A reading. The person is named by the entries that were shown, and not at all when there were none."""

    reading_id: str
    read_at: datetime
    account: str
    department: str
    roles: list[str]
    purpose: Purpose
    purpose_called: str = Field(description="The purpose in the caller's language")
    business_number: str
    asked: Asked
    effective_at: date | None
    known_at: datetime | None = Field(description="The time of knowledge that was asked for; null: the present")
    history: bool
    entries: list[str] = Field(
        description="The entries that the answer showed, as far as they are of the caller's regions"
    )
    refused_by: Limit | None = Field(description="The limit that was reached; null: the reading was answered")


def reading_page(rows: Sequence[Any], limit: int, wording: Wording) -> Page[ReadingBody]:
    """`rows`: at most `limit + 1`."""
    page, following = cut(rows, limit, lambda row: str(row.reading_id))
    return Page(items=[_reading(row, wording) for row in page], next=following)


def _reading(row: Any, wording: Wording) -> ReadingBody:
    fields = {name: getattr(row, name) for name in ReadingBody.model_fields if hasattr(row, name)}
    called = wording.term(f"Purpose.{row.purpose}", {}, language()) or row.purpose
    more = {"purpose_called": called, "roles": row.roles.split(), "entries": sorted(row.entries or ())}
    return ReadingBody.model_validate({**fields, **more})
