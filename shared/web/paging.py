"""Pages of a list, in the same way for every route.

A query reads `limit + 1` rows. The extra row is not shown: it only says whether another page follows, so that `next` is null on
the last page, also when that page is exactly full.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

Row = TypeVar("Row")
Item = TypeVar("Item")
Cursor = TypeVar("Cursor", str, int)

Limit = Annotated[int, Query(ge=1, le=1000, description="The maximum number of items of a page")]
After = Annotated[str, Query(max_length=100, description="The `next` of the previous page")]
AfterPosition = Annotated[str, Query(max_length=18, pattern=r"^\d*$", description="The `next` of the previous page")]


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(description="Give it as `after` to read the next page; null on the last page")


def cut(rows: Sequence[Row], limit: int, cursor: Callable[[Row], Cursor]) -> tuple[Sequence[Row], Cursor | None]:
    """The rows of this page, and its `next`: the cursor of its last row, or None when no further row was read.

    `rows`: at most `limit + 1` rows in the order of the list.
    """
    page = rows[:limit]
    return page, cursor(page[-1]) if len(rows) > limit else None


def link_next(request: Request, response: Response, cursor: str | int | None) -> None:
    """Name the next page in a `Link` header (RFC 8288), for routes whose body is a plain list. No header on the last page."""
    if cursor is not None:
        query = request.url.include_query_params(after=cursor).query
        response.headers["Link"] = f'<?{query}>; rel="next"'
