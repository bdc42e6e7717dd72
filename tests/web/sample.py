"""Routes for the tests of shared/web."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Literal

from fastapi import Depends, FastAPI
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.contracts.event import DepartmentId
from shared.contracts.lawbook import ListKind
from shared.database import connect
from shared.rejection import Fault, Rejected, reject
from shared.trust import OfficerRole, Principal
from shared.web.access import Caller, department_of, require, require_department
from shared.web.correlation import correlation, traceparent


def _eighteen(number: str) -> str:
    if len(number) != 18:
        raise PydanticCustomError("credit_code_length", "wrong length", {"length": len(number)})
    return number


def _refuse(value: str) -> str:
    if value != "right":
        raise ValueError(f"{value} is wrong")
    return value


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: Literal["principal", "director"]


class Form(BaseModel):
    name: str = Field(max_length=10)
    decided_on: date
    number: Annotated[str, AfterValidator(_eighteen)] = "914103000000000000"
    checked: Annotated[str, AfterValidator(_refuse)] = "right"
    responsible: tuple[Person, ...] = ()
    counts: dict[str, int] = {}


def add_routes(app: FastAPI) -> None:
    """The routes of the application."""
    _writing(app)
    _reading(app)
    _failing(app)


def _writing(app: FastAPI) -> None:
    @app.post("/v1/forms")
    async def post_form(form: Form, who: Annotated[Principal, Depends(require(OfficerRole.LISTER))]) -> dict[str, str]:
        return {"by": department_of(who)}

    @app.post("/v1/forms/early")
    async def decide_early(who: Annotated[Principal, Depends(require(OfficerRole.APPROVER))]) -> None:
        raise reject("sample_too_early", "decision.decided_on", list=ListKind.BLACK, until=date(2026, 5, 9))

    @app.post("/v1/forms/thousand")
    async def decide_thousand(who: Annotated[Principal, Depends(require(OfficerRole.LISTER))]) -> None:
        raise Rejected(*(Fault("field_missing", f"rows[{nth}]") for nth in range(1000)))

    @app.post("/v1/files", max_body_size=64 * 1024)
    async def post_file(form: Form, who: Annotated[Principal, Depends(require(OfficerRole.LISTER))]) -> None: ...


def _reading(app: FastAPI) -> None:
    @app.get("/v1/me")
    async def me(who: Caller) -> dict[str, str | None]:
        return {"subject": who.subject, "correlation": correlation(), "traceparent": traceparent()}

    @app.get("/v1/departments/{department}/tasks")
    async def tasks(
        department: DepartmentId, who: Annotated[Principal, Depends(require(OfficerRole.EXECUTOR, OfficerRole.AUDITOR))]
    ) -> list[str]:
        require_department(who, department, OfficerRole.AUDITOR)
        return []

    @app.get("/v1/published")
    async def published() -> StreamingResponse:
        async def lines() -> AsyncIterator[bytes]:
            for number in range(3):
                yield f"{number}\n".encode()

        return StreamingResponse(lines(), headers={"cache-control": "public, max-age=60"})


def _failing(app: FastAPI) -> None:
    @app.get("/v1/stale")
    async def stale() -> None:
        raise reject("stale_version", expected=3, current=5)

    @app.get("/v1/several")
    async def several() -> None:
        raise Rejected(Fault("unknown_domain", "domain_id"), Fault("missing_basis", "decision.legal_basis"))

    @app.get("/v1/unworded")
    async def unworded() -> None:
        code = "a_code_without_wording"
        raise reject(code)

    @app.get("/v1/factless")
    async def factless() -> None:
        raise Rejected(Fault("stale_version"))

    @app.get("/v1/bug")
    async def bug() -> None:
        raise KeyError("410305199001010019")

    @app.get("/v1/no-database")
    async def no_database() -> None:
        engine = connect("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))


def add_database_routes(app: FastAPI, engine: AsyncEngine) -> None:
    """Routes whose statements fail, each in its own way."""

    @app.get("/v1/nul")
    async def nul() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT cast(:said AS text)"), {"said": "示例\x00公司"})

    @app.get("/v1/cut-off")
    async def cut_off() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    @app.get("/v1/too-long")
    async def too_long() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SET statement_timeout = '50ms'"))
            await connection.execute(text("SELECT pg_sleep(5)"))

    @app.get("/v1/wrong-statement")
    async def wrong_statement() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT nothing FROM nowhere"))

    @app.get("/v1/wrong-argument")
    async def wrong_argument() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT cast(:number AS bigint)"), {"number": 10**30})
