"""Connections of asyncpg that look up PostgreSQL's built-in types once for each process, not once for each connection.

asyncpg queries the server about every array type when a connection uses it for the first time, which delays that statement by
about fifteen milliseconds (its issue 1272; docs/decisions/0010). The OIDs of built-in types are the same on every server.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import asyncpg

if TYPE_CHECKING:
    _Asyncpg = asyncpg.Connection[Any]
else:
    _Asyncpg = asyncpg.Connection

_FIRST_USER_OID = 16_384
"""Types with lower OIDs are built in (PostgreSQL's FirstNormalObjectId)."""

_cached: dict[frozenset[int], Sequence[Any]] = {}
"""Set of OIDs → the server's rows about them."""


@dataclass(frozen=True, slots=True)
class _CachedStatement:
    """Stands for the lookup statement. Its name is not empty, so the driver assumes that no unnamed statement was overwritten."""

    name: str = "cached"


class Connection(_Asyncpg):
    """A connection of asyncpg. Overrides a private method; verified with the version in the lock file."""

    async def _introspect_types(self, typeoids: Iterable[int], timeout: float) -> tuple[Sequence[Any], Any]:
        oids = frozenset(typeoids)
        if oids in _cached:
            return _cached[oids], _CachedStatement()
        types, statement = await cast("Any", super())._introspect_types(oids, timeout)
        if all(row["oid"] < _FIRST_USER_OID for row in types):
            _cached[oids] = types
        return types, statement
