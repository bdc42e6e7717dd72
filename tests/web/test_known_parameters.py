"""An unknown query parameter is refused on every route, and named."""

from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from shared.web.application import application


class Filter(BaseModel):
    region: str = ""


def _page(limit: int = 10) -> int:
    return limit


async def asked(path: str) -> tuple[int, list[tuple[str, str | None, object]]]:
    app, router = application("sample"), APIRouter(prefix="/v1")

    @router.get("/items/{name}")
    async def items(  # pyright: ignore[reportUnusedFunction]
        name: str,
        wanted: Annotated[Filter, Query()],
        page: Annotated[int, Depends(_page)],
        after: Annotated[str, Query(alias="after-item")] = "",
    ) -> str:
        return name

    app.include_router(router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        answer = await client.get(path)
    faults: list[dict[str, Any]] = answer.json()["faults"] if answer.status_code != 200 else []
    return answer.status_code, [(one["code"], one["field"], one["facts"].get("known")) for one in faults]


async def test_parameters_of_routes_of_their_dependencies_and_of_models_are_known() -> None:
    assert await asked("/v1/items/x?region=a&limit=5&after-item=b") == (200, [])
    assert await asked("/v1/items/x") == (200, [])


async def test_each_unknown_parameter_is_named_with_the_known_ones() -> None:
    known = ["after-item", "limit", "region"]
    assert await asked("/v1/items/x?regoin=a&after=b&limit=1") == (
        422,
        [("unknown_parameter", "query.regoin", known), ("unknown_parameter", "query.after", known)],
    )


async def test_a_parameter_that_is_no_name_is_not_repeated() -> None:
    """It comes from the caller and may contain a personal number."""
    status, [(code, field, _)] = await asked("/v1/items/x?000000190001010000=1")
    assert (status, code, field) == (422, "unknown_parameter", "query.*")
