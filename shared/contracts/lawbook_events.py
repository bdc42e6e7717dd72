"""The events of the law book: the topic `liandong.lawbook`. Only the catalogue publishes them.

The law book is one stream without gaps on one partition. Every event has a `lawbook_version`, its position in that stream. An
event decided by the law book names the version that was used.
"""

from datetime import date
from typing import ClassVar

from pydantic import Field

from shared.contracts.directory import Category, LegalBasis, Matter, Region
from shared.contracts.event import PublicEvent, Topic
from shared.contracts.lawbook import Department, Domain, Instrument, ItemKind, Measure, MeasureList
from shared.contracts.policy import Policy

LAWBOOK_KEY = "lawbook"
"""The key of all records of the topic, which keeps them in order."""


class LawbookEvent(PublicEvent):
    """A change of the law book. Only the catalogue publishes it."""

    TOPIC: ClassVar[Topic] = Topic.LAWBOOK
    lawbook_version: int = Field(ge=1)

    @property
    def partition_key(self) -> str:
        return LAWBOOK_KEY


class DepartmentPublished(LawbookEvent):
    TYPE: ClassVar[str] = "lawbook.department.published.v1"
    department: Department


class DomainPublished(LawbookEvent):
    TYPE: ClassVar[str] = "lawbook.domain.published.v1"
    domain: Domain


class InstrumentPublished(LawbookEvent):
    TYPE: ClassVar[str] = "lawbook.instrument.published.v1"
    instrument: Instrument


class MeasurePublished(LawbookEvent):
    TYPE: ClassVar[str] = "lawbook.measure.published.v1"
    measure: Measure


class PolicyPublished(LawbookEvent):
    """A policy. Version 1 had a few flat settings, and the clauses beside them."""

    TYPE: ClassVar[str] = "lawbook.policy.published.v2"
    policy: Policy


class RegionsPublished(LawbookEvent):
    """Many regions in one event, so that not every county is a version of the law book."""

    TYPE: ClassVar[str] = "lawbook.regions.published.v1"
    regions: tuple[Region, ...]


class CategoryPublished(LawbookEvent):
    TYPE: ClassVar[str] = "lawbook.category.published.v1"
    category: Category


class BasisPublished(LawbookEvent):
    TYPE: ClassVar[str] = "lawbook.basis.published.v1"
    basis: LegalBasis


class MatterPublished(LawbookEvent):
    TYPE: ClassVar[str] = "lawbook.matter.published.v1"
    matter: Matter


class MeasureListPublished(LawbookEvent):
    TYPE: ClassVar[str] = "lawbook.measure_list.published.v1"
    measure_list: MeasureList


class ItemRetired(LawbookEvent):
    """An item is retired (退出): it applies through `last_day`. Its past does not change."""

    TYPE: ClassVar[str] = "lawbook.item.retired.v1"
    kind: ItemKind
    item_id: str
    last_day: date
    reason: str


class SettingsConfirmed(LawbookEvent):
    """The credit office confirmed example settings of one version of an item: they are no longer examples."""

    TYPE: ClassVar[str] = "lawbook.settings.confirmed.v1"
    kind: ItemKind
    item_id: str
    item_version: int | None = Field(description="Null for items without versions")
    settings: tuple[str, ...]
    note: str = Field(description="The decision or document that confirms them")


LawbookChange = (
    DepartmentPublished
    | DomainPublished
    | InstrumentPublished
    | MeasurePublished
    | PolicyPublished
    | RegionsPublished
    | CategoryPublished
    | BasisPublished
    | MatterPublished
    | MeasureListPublished
    | ItemRetired
    | SettingsConfirmed
)
