"""A page has a `next` only if another row follows."""

from collections.abc import Sequence

import pytest
from starlette.requests import Request
from starlette.responses import Response

from shared.web.paging import cut, link_next

ROWS = [10, 20, 30]


def page(rows: Sequence[int], limit: int) -> tuple[list[int], int | None]:
    """The page, from a query that reads `limit + 1` rows."""
    items, following = cut(rows[: limit + 1], limit, lambda row: row)
    return list(items), following


def test_an_exactly_full_last_page_has_no_next() -> None:
    assert page(ROWS, limit=3) == ([10, 20, 30], None)


def test_a_full_page_with_a_further_row_ends_before_that_row_and_names_its_last_row() -> None:
    assert page(ROWS, limit=2) == ([10, 20], 20)


def test_a_page_that_is_not_full_is_the_last() -> None:
    assert page(ROWS, limit=4) == ([10, 20, 30], None)


def test_an_empty_list_has_one_empty_page() -> None:
    assert page([], limit=3) == ([], None)


def test_following_next_reads_every_row_once() -> None:
    read: list[int] = []
    after: int | None = 0
    while after is not None:
        items, after = page([row for row in ROWS if row > after], limit=1)
        read += items
    assert read == ROWS


@pytest.mark.parametrize(
    ("cursor", "link"), [(7, '<?key=uscc%3Ax&after=7>; rel="next"'), ("t-7", '<?key=uscc%3Ax&after=t-7>; rel="next"')]
)
def test_a_plain_list_names_its_next_page_in_a_header(cursor: int | str, link: str) -> None:
    response = Response()
    link_next(_request("key=uscc%3Ax&after=3"), response, cursor)
    assert response.headers["link"] == link


def test_the_last_page_of_a_plain_list_has_no_such_header() -> None:
    response = Response()
    link_next(_request("after=3"), response, None)
    assert "link" not in response.headers


def _request(query: str) -> Request:
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/v1/rows",
            "query_string": query.encode(),
            "headers": [],
            "server": None,
        }
    )
