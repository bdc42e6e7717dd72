"""Bodies of example settings and their confirmation."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.lawbook import ItemKind

Settings = Annotated[list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=100)]
Note = Annotated[str, Field(min_length=1, max_length=2000, description="The decision or document by which")]


class ItemConfirmationBody(BaseModel):
    """Settings of one item, in its latest version unless one is named."""

    kind: ItemKind
    item_id: str
    version: int | None = Field(default=None, ge=1)
    settings: Settings


class ConfirmationsBody(BaseModel):
    """Settings of many items, confirmed by one decision: all, or none when one is refused."""

    confirmations: Annotated[list[ItemConfirmationBody], Field(min_length=1, max_length=1000)]
    note: Note


class ConfirmationBody(BaseModel):
    """Settings of the item that the path names."""

    settings: Settings
    note: Note
    version: int | None = Field(default=None, ge=1)


class ConfirmedBody(BaseModel):
    """How many example settings were confirmed."""

    model_config = ConfigDict(from_attributes=True)

    lawbook_version: int
    settings: int


class UnconfirmedBody(BaseModel):
    """How many items of each kind have unconfirmed settings. `GET /v1/{kind}?unconfirmed=true` lists them."""

    items: dict[ItemKind, int]
