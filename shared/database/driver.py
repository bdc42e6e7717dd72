"""The driver's connections, which learn PostgreSQL's own types once a process and not once a connection.

asyncpg asks the server about every array type that a connection meets for the first time: some fifteen milliseconds each, before
the first statement that has one is answered (its issue 1272). The numbers of PostgreSQL's own types are the same everywhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import asyncpg

if TYPE_CHECKING:
    _Asyncpg = asyncpg.Connection[Any]
else:
    _Asyncpg = asyncpg.Connection

_FIRST_OF_USERS = 16_384
"""Types with lower numbers are PostgreSQL's own (FirstNormalObjectId)."""

_told: dict[frozenset[int], Sequence[Any]] = {}
"""What a server said of a set of types."""


@dataclass(frozen=True, slots=True)
class _NotAsked:
    """In the place of the statement that asked. The driver looks at the name: it has one, so that nothing was overwritten."""

    name: str = "not asked"


class Connection(_Asyncpg):
    """A connection of asyncpg. Overrides how it learns of types, in the version that the lock file names."""

    async def _introspect_types(self, typeoids: Iterable[int], timeout: float) -> tuple[Sequence[Any], Any]:
        asked = frozenset(typeoids)
        if asked in _told:
            return _told[asked], _NotAsked()
        found, statement = await cast("Any", super())._introspect_types(asked, timeout)
        if all(one["oid"] < _FIRST_OF_USERS for one in found):
            _told[asked] = found
        return found, statement
