"""A law book is loaded by two officers, as often as one likes, also over an older edition of itself."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from liandong.law import CREDIT_OFFICE, enact
from services.catalogue.domain.content import Content
from services.catalogue.files.shipped import shipped
from tests.conftest import StartWorld
from tests.harness import World

CONTENT = shipped().content()
ALL = len(shipped().changes())


@asynccontextmanager
async def node(w: World) -> AsyncGenerator[httpx.AsyncClient]:
    """The catalogue under its prefix, as a node has it."""
    app = Starlette(routes=[Mount("/catalogue", app=w.services["catalogue"].app)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://node", timeout=60) as http:
        yield http


async def test_loading_again_changes_nothing(start: StartWorld) -> None:
    async with start("catalogue") as w, node(w) as http:
        assert await enact(http, w.issuer, CONTENT, CREDIT_OFFICE) == ALL
        assert await enact(http, w.issuer, CONTENT, CREDIT_OFFICE) == ALL
        [row] = await w.rows("catalogue", "SELECT count(*), min(status) FROM drafts")
        assert tuple(row) == (1, "published")


async def test_an_older_edition_stays_and_what_is_new_comes_in(start: StartWorld) -> None:
    async with start("catalogue") as w, node(w) as http:
        old = CONTENT.measures[0].model_copy(update={"text_en": "As it was once"})
        older = Content.model_validate({**dict(CONTENT), "measures": (old,), "measure_lists": ()})
        before = await enact(http, w.issuer, older, CREDIT_OFFICE)
        lines: list[str] = []
        after = await enact(http, w.issuer, CONTENT, CREDIT_OFFICE, lines.append)
        assert after == before + len(CONTENT.measures) - 1 + len(CONTENT.measure_lists)
        assert lines == ["catalogue: left unchanged: 1"]
        [row] = await w.rows("catalogue", "SELECT body ->> 'text_en' FROM items WHERE item_id = :id", id=old.measure_id)
        assert row[0] == "As it was once"


async def test_a_book_that_does_not_fit_is_refused_with_every_reason(start: StartWorld) -> None:
    async with start("catalogue") as w, node(w) as http:
        with pytest.raises(RuntimeError, match="unknown_instrument"):
            await enact(http, w.issuer, Content(measures=CONTENT.measures), CREDIT_OFFICE)
