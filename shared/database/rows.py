"""Statements for many rows: one round trip, whatever the number of rows.

Rows are sent as one array for each column and expanded by `unnest`. The statement text does not depend on the number of rows, so
the server prepares it once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

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
    func,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine, UserDefinedType

from shared.database.copying import can_copy, copy_rows


class RawJson(UserDefinedType[str]):
    """A `json` column whose values are text: stored byte for byte as written, parsed by the caller."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "JSON"


class _PlainBoolean(UserDefinedType[bool]):
    """Passes values to the driver unchanged: SQLAlchemy's own type checks each value first."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "BOOLEAN"


def _array_type(column_type: TypeEngine[Any]) -> TypeEngine[Any]:
    """The array type in which a column's values are sent; types without a plain array in asyncpg are sent as text and cast."""
    if isinstance(column_type, RawJson | Uuid | String):
        return ARRAY(Text())
    return ARRAY(_PlainBoolean() if isinstance(column_type, Boolean) else column_type)


def _unnested(table: Table, names: tuple[str, ...]) -> Any:
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
    given = _unnested(table, tuple(name for name in names if name not in empty))
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
    given = _unnested(table, keys + names)
    changed = {name: _typed(table, given, name) for name in names}
    return update(table).where(*[table.c[key] == _typed(table, given, key) for key in keys]).values(changed)


def _arrays(columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    return {f"a_{name}": values for name, values in columns.items()}


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def among(column: Column[Any], parameter: str) -> ColumnElement[bool]:
    """Whether the column has one of the values of this list parameter: one statement text for lists of any length."""
    return column == bindparam(parameter, type_=ARRAY(column.type)).any_()


def one_of(column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Whether the column has one of these values: one statement text, whatever their number. False when there are none."""
    return column == bindparam(None, sorted(values), type_=ARRAY(column.type)).any_()


async def insert_rows(
    connection: AsyncConnection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    returning: tuple[str, ...] = (),
    conflict: tuple[str, ...] | None = None,
    keep: bool = False,
) -> CursorResult[Any] | None:
    """Insert rows with the same columns. `conflict`: key columns; an existing row is replaced, or with `keep` left as it is.

    Never used with `conflict` on events. Pass at most one row for each conflict key.
    """
    if not rows:
        return None
    columns = _columns(rows)
    # A column without any value is not sent: it would cost the driver as much as a full one.
    empty = frozenset(
        name for name, values in columns.items() if values[0] is None and not any(map(_is_not_none, values))
    )
    if len(empty) == len(columns):
        empty = frozenset[str]()
    if conflict is None and not returning and await can_copy(connection, len(rows)):
        given = {name: values for name, values in columns.items() if name not in empty or table.c[name].server_default}
        await copy_rows(connection, table, list(given), list(zip(*given.values(), strict=True)))
        return None
    statement = _insert(table, tuple(columns), empty, returning, conflict, keep)
    return await connection.execute(statement, _arrays({n: v for n, v in columns.items() if n not in empty}))


def _is_not_none(value: Any) -> bool:
    return value is not None


async def update_rows(
    connection: AsyncConnection, table: Table, keys: tuple[str, ...], rows: Sequence[Mapping[str, Any]]
) -> int:
    """Update many rows by key, each to its own values, in one round trip. Pass each key once. Returns how many rows matched."""
    if not rows:
        return 0
    columns = _columns(rows)
    names = tuple(name for name in columns if name not in keys)
    result = await connection.execute(_update(table, keys, names), _arrays(columns))
    return result.rowcount


async def update_changed(
    connection: AsyncConnection, table: Table, keys: tuple[str, ...], rows: Iterable[Mapping[str, Any]]
) -> None:
    """Update rows that give only the columns that change: one statement for each set of columns. Give each key once."""
    groups: dict[frozenset[str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if len(row) > len(keys):
            groups.setdefault(frozenset(row), []).append(row)
    for first, *others in groups.values():
        # The order of the first row is the order in the statement: sorted, so that the server sees one text for each set.
        await update_rows(connection, table, keys, [dict(sorted(first.items())), *others])
