"""Connections to PostgreSQL through SQLAlchemy Core and asyncpg."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.database.driver import Connection

STATEMENT_SECONDS = 60
COMMAND_SECONDS = 65
"""Client timeout. It exceeds `statement_timeout`: a live server cancels first, so a timeout here means a dead connection."""


RANDOM_PAGE_COST = "1.1"
"""For solid-state disks. With the server's default (4, for rotating disks) the planner scans a whole table in order to change a
thousand rows by key, until the table is very large (docs/decisions/0011)."""


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
