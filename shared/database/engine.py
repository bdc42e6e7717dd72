"""Connections to PostgreSQL through SQLAlchemy Core and asyncpg."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.database.driver import Connection

STATEMENT_TIMEOUT_SECONDS = 60
COMMAND_TIMEOUT_SECONDS = 65
"""Client timeout. It exceeds `statement_timeout`: a live server cancels first, so a timeout here means a dead connection."""

RANDOM_PAGE_COST = "1.1"
"""For solid-state disks. With the server's default (4, for rotating disks) the planner scans a whole table to update a thousand
rows by key, unless the table is very large (docs/decisions/0011)."""


def connect(url: str, *, pool_size: int = 20, search_path: str = "public") -> AsyncEngine:
    """An engine on asyncpg. A closed connection is detected before use; statements time out after a minute.

    A connection without any answer (a firewall has dropped it) times out a little later, as an outage.

    Errors do not include the parameters of their statements: these may be personal data, and errors are logged.
    """
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size // 2,  # closed again when returned: for short peaks only
        pool_pre_ping=False,
        pool_recycle=1800,
        hide_parameters=True,
        json_deserializer=_keep_text,
        connect_args={
            "connection_class": Connection,
            "server_settings": {
                "statement_timeout": str(STATEMENT_TIMEOUT_SECONDS * 1000),
                "timezone": "UTC",
                "search_path": search_path,
                "random_page_cost": RANDOM_PAGE_COST,
            },
            "timeout": 10,
            "command_timeout": COMMAND_TIMEOUT_SECONDS,
        },
    )
    event.listen(engine.sync_engine, "checkout", _discard_closed)
    event.listen(engine.sync_engine, "handle_error", _invalidate_on_timeout)
    return engine


def _discard_closed(_: Any, record: Any, __: Any) -> None:
    """If the driver has noticed that the server closed a connection, the pool takes another one. Costs no round trip."""
    if record.driver_connection.is_closed():
        raise DisconnectionError("the server closed this connection")


def _invalidate_on_timeout(context: ExceptionContext) -> None:
    """After a client timeout, discard the connection without a rollback, which would wait as long again.

    Connections opened before it are discarded as well: the cause, such as a firewall, affects them too.
    """
    if isinstance(context.original_exception, TimeoutError):
        context.is_disconnect = True


def _keep_text(stored: str) -> str:
    """JSON stays text: the caller has the model, and parses it once."""
    return stored
