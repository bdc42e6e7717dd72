"""What an error of the database, or of another service, means for the work that met it."""

import httpx
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout


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
