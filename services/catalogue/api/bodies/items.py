"""Bodies of items of the law book: pages, editions, changes, comparisons."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, computed_field

from services.catalogue.views.items import Change, Edition
from shared.contracts.directory import Category, LegalBasis, Matter, Region
from shared.contracts.lawbook import Department, Domain, Instrument, ItemKind, Measure, MeasureList
from shared.contracts.policy import Policy
from shared.lawbook.items import Item
from shared.lawbook.policy import GROUPS
from shared.lawbook.settings_in_use import SETTINGS_IN_USE, InUse
from shared.web.paging import Page


class SettingUse(BaseModel):
    """What becomes of a setting of a policy."""

    in_use: InUse
    enforced_by: list[str] = Field(description="The services that decide by it; empty unless it is enforced")


class PolicyBody(Policy):
    """A policy, and what becomes of each of its settings."""

    @computed_field(description="Setting → its use. Not a part of the policy: leave it out of a draft")
    @property
    def settings_in_use(self) -> dict[str, SettingUse]:
        names = (name for group in GROUPS for name, setting in getattr(self, group) if setting is not None)
        uses = {name: SETTINGS_IN_USE[name] for name in names}
        return {name: SettingUse(in_use=use.in_use, enforced_by=list(use.enforced_by)) for name, use in uses.items()}


ItemBody = (
    Region | Category | Department | Domain | LegalBasis | Instrument | Matter | Measure | MeasureList | PolicyBody
)


def item_body(item: Item) -> ItemBody:
    return PolicyBody.model_validate(item.model_dump()) if isinstance(item, Policy) else item


class ItemPage(Page[ItemBody]):
    """One page of items, by id."""

    lawbook_version: int


class EditionBody(BaseModel):
    """An item after a change of the law book."""

    lawbook_version: int
    kind: ItemKind
    change: Change = Field(description="The change: published, retired, or example settings confirmed")
    said: str | None = Field(description="The reason of a retirement, the note of a confirmation")
    published_at: datetime
    item: ItemBody

    @classmethod
    def of(cls, edition: Edition, **more: Any) -> Self:
        return cls(
            lawbook_version=edition.lawbook_version,
            kind=edition.kind,
            change=edition.change,
            said=edition.said,
            published_at=edition.published_at,
            item=item_body(edition.item),
            **more,
        )


class EditionsBody(BaseModel):
    """All editions of an item, oldest first."""

    editions: list[EditionBody]


class ChangeBody(EditionBody):
    """A change of the book: its item, or the first of several items."""

    items: int = Field(description="How many items the change has: regions are published many at a time")


class ChangePage(BaseModel):
    """One page of changes of the book, in order."""

    changes: list[ChangeBody]
    next: int | None = Field(description="Give it as `after` to read the next page; null on the last page")


class BookVersionBody(BaseModel):
    """The current version of the law book."""

    lawbook_version: int


# --- comparison ------------------------------------------------------------------------------------------------------


class _FromDomain(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class DifferenceBody(_FromDomain):
    """A field whose value differs. Null: the field is not in that version."""

    field: str = Field(description="`target.domains[1]`")
    was: object
    now: object


class MeasureChangeBody(_FromDomain):
    """A measure that is in another class (强制性、推荐性), or listed in another version."""

    measure_id: str
    was: str
    now: str


class ListComparisonBody(_FromDomain):
    """The differences of two editions of a list of measures."""

    added: list[str]
    removed: list[str]
    reclassified: list[MeasureChangeBody]
    reworded: list[MeasureChangeBody] = Field(description="Listed in another version: `1` → `2`")


class ComparisonBody(BaseModel):
    """The differences of two versions, or two changes, of one item."""

    kind: ItemKind
    item_id: str
    was: int = Field(description="The earlier version, as requested")
    now: int
    differences: list[DifferenceBody]
    measures: ListComparisonBody | None = Field(default=None, description="Of a list of measures, measure by measure")
