"""Items that other items of the law book refer to: regions, categories of bodies, matters with a due check, legal bases.

They are items of their own, so that a measure names them and does not repeat them. So a repealed law is ended in one place, and
各行业主管部门 means in each county the departments of that category there.
"""

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, NewType

from pydantic import Field, StringConstraints

from shared.contracts.event import Contract, DepartmentId

BasisId = NewType("BasisId", str)
CategoryId = NewType("CategoryId", str)
MatterId = NewType("MatterId", str)

_REGION_PATTERN = "^[0-9]{6}$"

RegionCode = Annotated[str, StringConstraints(pattern=_REGION_PATTERN)]
"""A region code of GB/T 2260 in a request: six ASCII digits; `000000` is the whole state."""


def is_region_code(text: str) -> bool:
    """Whether the text is six ASCII digits. The code need not exist: divisions change, and old documents keep old codes."""
    return re.fullmatch(_REGION_PATTERN, text) is not None


def example_settings() -> tuple[str, ...]:
    """The field that names the attributes of an item that no document states."""
    return Field(
        default=(), description="Attributes that no document states: examples that a credit office must confirm"
    )


class RegionLevel(StrEnum):
    """The administrative level of a region (层级)."""

    STATE = "state"
    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"


class Region(Contract):
    """An administrative division (行政区划), by its code."""

    code: str = Field(description="GB/T 2260, six digits; `000000` is the whole state")
    name_zh: str
    name_en: str = ""
    parent: str | None = Field(default=None, description="Code of the region that it belongs to; null for the state")
    level: RegionLevel


class Category(Contract):
    """A category of bodies by which documents name implementers (各行业主管部门, 金融机构). Departments name their categories."""

    category_id: CategoryId
    name_zh: str
    name_en: str
    clause: str = Field(default="", description="Document and clause that use this category")
    example_settings: tuple[str, ...] = example_settings()


class Matter(Contract):
    """A matter (事项) of the 信用信息查询事项目录. A department that handles it must check first (应查必查, row 11)."""

    matter_id: MatterId
    name_zh: str
    name_en: str
    checked_by: tuple[DepartmentId, ...] = Field(default=(), description="Departments that handle it and so must check")
    checked_by_categories: tuple[CategoryId, ...] = Field(
        default=(), description="Departments of these categories check too"
    )
    clause: str = Field(default="", description="Document and clause that require the check")
    example_settings: tuple[str, ...] = example_settings()
    retired_on: date | None = Field(default=None, description="Last day on which a check was due")


class Basis(Contract):
    """A legal basis (依据): a document, its article, and the days on which it is valid."""

    document: str
    article: str
    issued_by: str = ""
    valid_from: date
    valid_to: date | None = Field(default=None, description="Last day on which it is valid; null means no end")
    basis_id: BasisId | None = Field(default=None, description="The item of the law book from which it is copied")

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class LegalBasis(Contract):
    """A legal basis as an item of its own. Measures name it, and no longer have it when it ends."""

    basis_id: BasisId
    version: int = Field(ge=1)
    document: str
    article: str
    issued_by: str
    valid_from: date
    valid_to: date | None = Field(default=None, description="Last day on which it is valid; null means no end")
    words: str = Field(default="", description="The text of the article, if available")
    example_settings: tuple[str, ...] = example_settings()

    def as_cited(self) -> Basis:
        """The basis as a measure contains it."""
        return Basis(
            document=self.document,
            article=self.article,
            issued_by=self.issued_by,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            basis_id=self.basis_id,
        )
