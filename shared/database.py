"""PostgreSQL through SQLAlchemy Core: engines, and grouped statements that cost one round trip whatever their number of rows.

Rows travel as one array a column and are spread by `unnest`: the text of the statement does not depend on how many rows
there are, so it is prepared once.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import httpx
from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    ColumnElement,
    Insert,
    String,
    Table,
    Text,
    Uuid,
    bindparam,
    cast,
    event,
    func,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import CursorResult, ExceptionContext
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeEngine, UserDefinedType

from shared.copying import can_copy, copy_rows
from shared.driver import Connection


class RawJson(UserDefinedType[str]):
    """A `json` column handed over as text: stored byte for byte as it was written, parsed by whoever reads it."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "JSON"


STATEMENT_SECONDS = 60
COMMAND_SECONDS = 65
"""Longer than the server takes to give a statement up: what comes to nothing after that has no server behind it."""


RANDOM_PAGE_COST = "1.1"
"""Of a disk without a head. The server's default, 4, is of one that has: by that, whoever changes a thousand rows by key reads
the whole table, until it is very large."""


class _PlainBoolean(UserDefinedType[bool]):
    """As it is handed over: SQLAlchemy's own looks at each value before the driver does."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "BOOLEAN"


def connect(url: str, *, pool_size: int = 20, search_path: str = "public") -> AsyncEngine:
    """An engine on asyncpg. A connection that died is noticed before use; statements give up after a minute.

    A connection on which no answer comes at all (a firewall has forgotten it) is given up a little later, as an outage.

    Errors do not tell the parameters of their statements: they may be a person's, and errors go into logs.
    """
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size // 2,  # these are closed again on return: for a moment of need only
        pool_pre_ping=False,
        pool_recycle=1800,
        hide_parameters=True,
        json_deserializer=_as_it_stands,
        connect_args={
            "connection_class": Connection,
            "server_settings": {
                "statement_timeout": str(STATEMENT_SECONDS * 1000),
                "timezone": "UTC",
                "search_path": search_path,
                "random_page_cost": RANDOM_PAGE_COST,
            },
            "timeout": 10,
            "command_timeout": COMMAND_SECONDS,
        },
    )
    event.listen(engine.sync_engine, "checkout", _refuse_dead)
    event.listen(engine.sync_engine, "handle_error", _give_up_unanswered)
    return engine


def _refuse_dead(_: Any, record: Any, __: Any) -> None:
    """The driver knows when the server has hung up: the pool then takes another connection. Costs no round trip."""
    if record.driver_connection.is_closed():
        raise DisconnectionError("the server closed this connection")


def _give_up_unanswered(context: ExceptionContext) -> None:
    """Where an answer never came, none is asked for (a rollback would wait as long again): the connection is thrown away,
    and those made before it: what swallowed the one swallows them too."""
    if isinstance(context.original_exception, TimeoutError):
        context.is_disconnect = True


def _as_it_stands(stored: str) -> str:
    """JSON is handed over as text: whoever reads it knows which model it is, and parses it once."""
    return stored


def _array_type(column_type: TypeEngine[Any]) -> TypeEngine[Any]:
    """The type in which a column's values travel: what asyncpg has no plain array for goes as text and is cast."""
    if isinstance(column_type, RawJson | Uuid | String):
        return ARRAY(Text())
    return ARRAY(_PlainBoolean() if isinstance(column_type, Boolean) else column_type)


def _spread(table: Table, names: tuple[str, ...]) -> Any:
    arrays = [bindparam(f"a_{name}", type_=_array_type(table.c[name].type)) for name in names]
    return func.unnest(*arrays).table_valued(*names, with_ordinality="given_order").render_derived(name="given")


def _typed(table: Table, given: Any, name: str) -> Any:
    column_type = table.c[name].type
    needs_cast = isinstance(column_type, RawJson | Uuid)
    return cast(given.c[name], column_type) if needs_cast else given.c[name]


@lru_cache(maxsize=512)
def _insert(
    table: Table,
    names: tuple[str, ...],
    empty: frozenset[str],
    returning: tuple[str, ...],
    conflict: tuple[str, ...] | None,
    keep: bool,
) -> Insert:
    given = _spread(table, tuple(name for name in names if name not in empty))
    values = [null() if name in empty else _typed(table, given, name) for name in names]
    rows = select(*values).order_by(given.c.given_order)
    statement = insert(table).from_select(list(names), rows, include_defaults=False)
    if conflict is not None and keep:
        statement = statement.on_conflict_do_nothing(index_elements=list(conflict))
    elif conflict is not None:
        changed = {name: statement.excluded[name] for name in names if name not in conflict}
        statement = statement.on_conflict_do_update(index_elements=list(conflict), set_=changed)
    return statement.returning(*[table.c[name] for name in returning]) if returning else statement


@lru_cache(maxsize=512)
def _update(table: Table, keys: tuple[str, ...], names: tuple[str, ...]) -> Any:
    given = _spread(table, keys + names)
    changed = {name: _typed(table, given, name) for name in names}
    return update(table).where(*[table.c[key] == _typed(table, given, key) for key in keys]).values(changed)


def _arrays(columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    return {f"a_{name}": values for name, values in columns.items()}


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def among(column: Column[Any], parameter: str) -> ColumnElement[bool]:
    """Whether a column has one of the values of this parameter, a list: one statement, however long the list is."""
    return column == bindparam(parameter, type_=ARRAY(column.type)).any_()


async def insert_rows(
    connection: AsyncConnection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    returning: tuple[str, ...] = (),
    conflict: tuple[str, ...] | None = None,
    keep: bool = False,
) -> CursorResult[Any] | None:
    """Insert rows of equal shape at once. With `conflict`, a row that is there already is replaced, or kept.

    Never used with `conflict` on events. Of several rows with one conflict key, give only the last.
    """
    if not rows:
        return None
    columns = _columns(rows)
    # A column without any value need not travel: it costs the driver as much as a full one.
    empty = frozenset(name for name, values in columns.items() if values[0] is None and not any(map(_is_there, values)))
    if len(empty) == len(columns):
        empty = frozenset[str]()
    if conflict is None and not returning and await can_copy(connection, len(rows)):
        given = {name: values for name, values in columns.items() if name not in empty or table.c[name].server_default}
        await copy_rows(connection, table, list(given), list(zip(*given.values(), strict=True)))
        return None
    statement = _insert(table, tuple(columns), empty, returning, conflict, keep)
    return await connection.execute(statement, _arrays({n: v for n, v in columns.items() if n not in empty}))


def _is_there(value: Any) -> bool:
    return value is not None


async def update_rows(
    connection: AsyncConnection, table: Table, keys: tuple[str, ...], rows: Sequence[Mapping[str, Any]]
) -> int:
    """Update many rows by key, each to its own values, in one round trip. Give each key once. Returns how many there were."""
    if not rows:
        return 0
    columns = _columns(rows)
    names = tuple(name for name in columns if name not in keys)
    result = await connection.execute(_update(table, keys, names), _arrays(columns))
    return result.rowcount


def violated_constraint(error: IntegrityError) -> str | None:
    """The name of the constraint that PostgreSQL says was violated."""
    return getattr(getattr(error.orig, "__cause__", None), "constraint_name", None)


def sql_state(error: DBAPIError) -> str:
    """The five-character SQLSTATE, or an empty string when the server never answered."""
    return getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None) or ""


def is_rollback(error: BaseException) -> bool:
    """True for a deadlock or a failed serialisation: the transaction was rolled back in favour of another."""
    return isinstance(error, DBAPIError) and sql_state(error).startswith("40")


_OUTAGES = ("08", "25006", "25P03", "28", "3D", "40", "53", "55", "57", "58", "XX")
"""Connection, a standby that takes no writes, idle too long, credentials, no such database, rollback (deadlock,
serialisation), resources, not available, operator intervention, system error, internal error."""

_NOT_NOW = (429, 502, 503, 504)
"""What a service, or the gateway before it, answers when the same request may be answered later."""


def is_outage(error: BaseException) -> bool:
    """True when trying again may help: the database, another service or the network failed, not what was asked of it."""
    if isinstance(error, DBAPIError):
        state = sql_state(error)
        return error.connection_invalidated or not state or state.startswith(_OUTAGES)
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in _NOT_NOW
    if isinstance(error, httpx.TransportError):
        return not isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError)
    return isinstance(error, OSError | TimeoutError | PoolTimeout)
