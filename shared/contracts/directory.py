"""What the rest of the law book refers to: regions, kinds of bodies, matters in which a check is due, legal bases.

They are items of their own, so that a measure names them and does not repeat them: a law that is repealed is ended in one
place, and 各行业主管部门 means in each county those departments that are such there.
"""

from datetime import date
from enum import StrEnum
from typing import NewType

from pydantic import Field

from shared.contracts.event import Contract, DepartmentId

BasisId = NewType("BasisId", str)
CategoryId = NewType("CategoryId", str)
MatterId = NewType("MatterId", str)


def example_settings() -> tuple[str, ...]:
    """The field in which an item says what no document states."""
    return Field(
        default=(), description="Attributes that no document states: examples which a credit office must confirm"
    )


class RegionLevel(StrEnum):
    """How high a region stands (层级)."""

    STATE = "state"
    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"


class Region(Contract):
    """A division of the state (行政区划), by its code."""

    code: str = Field(description="GB/T 2260, six digits; `000000` is the state as a whole")
    name_zh: str
    name_en: str = ""
    parent: str | None = Field(default=None, description="Code of the region that it belongs to; none of the state")
    level: RegionLevel


class Category(Contract):
    """A kind of bodies by which documents name implementers (各行业主管部门, 金融机构); departments say that they are of it."""

    category_id: CategoryId
    name_zh: str
    name_en: str
    clause: str = Field(default="", description="Where a document names implementers so")
    example_settings: tuple[str, ...] = example_settings()


class Matter(Contract):
    """A matter (事项) of the 信用信息查询事项目录: whoever handles it must check first (应查必查, row 11)."""

    matter_id: MatterId
    name_zh: str
    name_en: str
    checked_by: tuple[DepartmentId, ...] = Field(
        default=(), description="Departments that handle it, and so must check"
    )
    checked_by_categories: tuple[CategoryId, ...] = Field(default=(), description="And those of these kinds")
    clause: str = Field(default="", description="Where a document says that it is checked")
    example_settings: tuple[str, ...] = example_settings()
    retired_on: date | None = Field(default=None, description="Last day on which a check was due")


class Basis(Contract):
    """A legal basis (依据): a document and its article, and when it holds."""

    document: str
    article: str
    issued_by: str = ""
    valid_from: date
    valid_to: date | None = Field(default=None, description="Last day on which it holds; none means no end")
    basis_id: BasisId | None = Field(default=None, description="The item of the law book that it is taken from")

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class LegalBasis(Contract):
    """A legal basis as an item of its own: measures name it, and lose it when it ends."""

    basis_id: BasisId
    version: int = Field(ge=1)
    document: str
    article: str
    issued_by: str
    valid_from: date
    valid_to: date | None = Field(default=None, description="Last day on which it holds; none means no end")
    words: str = Field(default="", description="What the article says, where its text is at hand")
    example_settings: tuple[str, ...] = example_settings()

    def as_cited(self) -> Basis:
        """As it stands in a measure."""
        return Basis(
            document=self.document,
            article=self.article,
            issued_by=self.issued_by,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            basis_id=self.basis_id,
        )
