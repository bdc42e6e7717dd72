"""`liandong token`: a department is looked up in the law book of the running node before a token is printed."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from liandong.home import listening
from liandong.law import CREDIT_OFFICE, enact
from liandong.node_file import announced
from liandong.serving import serve
from services.catalogue.domain.content import Content
from services.catalogue.files.shipped import shipped
from shared.trust.issuer import DevelopmentIssuer
from tests.conftest import StartWorld
from tests.harness import World
from tests.node.sandbox import LIANDONG, Ended

COURT = next(one for one in shipped().content().departments if one.department_id == "luoyang-court")
LISTER = ("token", "--role", "lister", "--department")


async def liandong(*arguments: str) -> Ended:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LIANDONG_")}
    process = await asyncio.create_subprocess_exec(
        LIANDONG, *arguments, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


@asynccontextmanager
async def served(w: World) -> AsyncGenerator[str]:
    """The address of the catalogue, served over HTTP under its prefix, as by a node."""
    listener, stop = listening(0), asyncio.Event()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    serving = asyncio.create_task(serve(w.services["catalogue"].app, listener, until=stop, path="/catalogue"))
    try:
        yield address
    finally:
        stop.set()
        await serving
        listener.close()


async def test_a_department_of_the_law_book_gets_a_token_and_another_is_refused(start: StartWorld) -> None:
    async with start("catalogue") as w, served(w) as address:
        async with httpx.AsyncClient(base_url=address, trust_env=False) as http:
            await enact(
                http, w.issuer, Content(departments=(COURT.model_copy(update={"categories": ()}),)), CREDIT_OFFICE
            )
        at = ("--folder", str(w.issuer.jwks_file.parent), "--address", address)

        known = await liandong(*LISTER, "luoyang-court", *at)
        unknown = await liandong(*LISTER, "luoyang-kourt", *at)
        asked_for = await liandong(*LISTER, "luoyang-kourt", "--unchecked", *at)

        assert (known.status, known.out.count("."), known.err) == (0, 2, "")
        assert (unknown.status, unknown.out) == (2, "")
        assert "法规目录中没有部门 luoyang-kourt" in unknown.err
        assert "the law book has no department luoyang-kourt" in unknown.err
        assert f"GET {address}/catalogue/v1/departments" in unknown.err
        assert (asked_for.status, asked_for.out.count(".")) == (0, 2)


async def test_the_law_book_is_that_of_the_node_that_runs_in_the_data_folder(start: StartWorld, tmp_path: Path) -> None:
    async with start("catalogue") as w, served(w) as address:
        (tmp_path / "trust").mkdir()
        for file in w.issuer.jwks_file.parent.glob("*.jw*"):
            (tmp_path / "trust" / file.name).write_bytes(file.read_bytes())
        with announced(tmp_path, address):
            unknown = await liandong(*LISTER, "luoyang-court", "--folder", str(tmp_path / "trust"))
        assert unknown.status == 2
        assert f"GET {address}/catalogue/v1/departments" in unknown.err, "the law book is still empty"


async def test_the_law_book_is_public_so_that_any_issuer_can_look_a_department_up(
    start: StartWorld, tmp_path: Path
) -> None:
    async with start("catalogue") as w, served(w) as address:
        refused = await liandong(*LISTER, "luoyang-court", "--folder", str(tmp_path), "--address", address)
        assert (refused.status, refused.out) == (2, "")
        assert "the law book has no department luoyang-court" in refused.err


async def test_without_a_law_book_a_department_is_refused_unless_unchecked(tmp_path: Path) -> None:
    nowhere = ("--folder", str(tmp_path), "--address", "http://127.0.0.1:1")
    refused = await liandong(*LISTER, "luoyang-court", *nowhere)
    unchecked = await liandong(*LISTER, "luoyang-court", "--unchecked", *nowhere)
    assert (refused.status, refused.out) == (2, "")
    assert "读不到法规目录" in refused.err
    assert "no law book can be read at http://127.0.0.1:1" in refused.err
    assert "--unchecked" in refused.err
    assert "GET /catalogue/v1/departments" in refused.err
    assert (unchecked.status, unchecked.err) == (0, "")


async def test_a_token_without_a_department_needs_no_law_book(tmp_path: Path) -> None:
    operator = await liandong(
        "token", "--role", "operator", "--folder", str(tmp_path), "--address", "http://127.0.0.1:1"
    )
    assert (operator.status, operator.err) == (0, "")
    assert DevelopmentIssuer(tmp_path).jwks_file.exists()
