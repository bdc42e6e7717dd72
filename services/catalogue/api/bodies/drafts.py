"""Bodies of drafts: what is filed, what a draft is, what a decision leads to."""

from datetime import date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from services.catalogue.api.bodies.items import DifferenceBody
from services.catalogue.domain.content import Content, Retirement
from shared.contracts.event import Contract
from shared.contracts.lawbook import ItemKind
from shared.lawbook.items import Item

T = TypeVar("T")

MOST_ITEMS = 1_000
"""Items of one request. A file may have more."""

Title = Annotated[str, Field(max_length=200, description="Subject of the draft, for the officer who decides about it")]
DraftState = Literal["open", "published", "returned", "withdrawn"]


def exactly(model: type[Contract]) -> BeforeValidator:
    """Refuse unknown fields. In an event they may be of a newer version; in a request they are a mistake."""
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    return BeforeValidator(lambda given: adapter.validate_python(given, extra="forbid"))


# --- requests --------------------------------------------------------------------------------------------------------


class ItemsBody(BaseModel, Generic[T]):
    """Items of one kind to publish: all, or none when one is refused."""

    items: Annotated[list[T], Field(min_length=1, max_length=MOST_ITEMS)]
    title: Title = ""


class ContentBody(BaseModel):
    """Items of several kinds, and retirements. They may refer to one another."""

    content: Annotated[Content, exactly(Content)]
    title: Title = ""


class RetirementBody(BaseModel):
    """The end of an item, and the reason."""

    last_day: date = Field(description="The last day on which the item holds")
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class ReasonBody(BaseModel):
    """The reason of a return or a withdrawal."""

    reason: Annotated[str, Field(min_length=1, max_length=2000)]


# --- responses -------------------------------------------------------------------------------------------------------


class FiledBody(BaseModel):
    """A draft that waits for a second officer. Without an id, the book has all of it and there is nothing to decide."""

    draft_id: str | None
    status: Literal["open", "nothing_new"]
    lawbook_version: int = Field(description="The version of the law book by which it was validated")
    changes: int = Field(description="How many items are new, changed or retired")
    unchanged: list[str] = Field(description="Ids of the items that the book has already")


class PublishedBody(BaseModel):
    """The result of publishing a draft."""

    model_config = ConfigDict(from_attributes=True)

    lawbook_version: int = Field(description="The version of the law book now")
    published: list[str] = Field(description="Ids of the items that were new or changed")
    retired: list[str] = Field(description="Ids of the items that end")


class DraftStatusBody(BaseModel):
    """A draft that was returned or withdrawn."""

    draft_id: str
    status: DraftState


class DraftBody(BaseModel):
    """A draft, and the decision about it."""

    model_config = ConfigDict(from_attributes=True)

    draft_id: str
    title: str
    status: DraftState
    filed_by: str
    department: str | None
    filed_at: datetime
    closed_by: str | None
    closed_at: datetime | None
    reason: str | None
    lawbook_version: int | None = Field(description="The version of the book with which it was published")


class DraftPage(BaseModel):
    """One page of drafts, newest first."""

    drafts: list[DraftBody]
    next: int | None = Field(description="Give it as `after` to read the next page; null on the last page")


class DraftItemBody(BaseModel):
    """An item of a draft, and how it differs from the current item of the book."""

    place: str
    kind: ItemKind
    item: Item
    new: bool = Field(description="Whether the book has no item with this id")
    differences: list[DifferenceBody] = Field(description="From the latest version in the book; empty for a new item")


class DraftContentPage(BaseModel):
    """One page of the items of a draft, and all its retirements."""

    items: list[DraftItemBody]
    retirements: list[Retirement]
    next: int | None = Field(description="Give it as `after` to read the next page; null on the last page")
