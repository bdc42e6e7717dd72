"""Classification of errors of the database and of other services: outage, lost race, violated constraint."""

import httpx
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout


def violated_constraint(error: IntegrityError) -> str | None:
    """The name of the constraint that PostgreSQL says was violated."""
    return getattr(getattr(error.orig, "__cause__", None), "constraint_name", None)


def sql_state(error: DBAPIError) -> str:
    """The five-character SQLSTATE, or an empty string when the server did not answer."""
    return getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None) or ""


def is_rollback(error: BaseException) -> bool:
    """True for a deadlock or a failed serialisation: the transaction was rolled back in favour of another."""
    return isinstance(error, DBAPIError) and sql_state(error).startswith("40")


_OUTAGES = ("08", "25006", "25P03", "28", "3D", "40", "53", "55", "57", "58", "XX")
"""Connection, a standby that takes no writes, idle too long, credentials, no such database, rollback (deadlock,
serialisation), resources, not available, operator intervention, system error, internal error."""

_RETRYABLE_STATUS = (429, 502, 503, 504)
"""HTTP status of a service or its gateway when the same request may succeed later."""


def is_outage(error: BaseException) -> bool:
    """True when a retry may succeed: the database, another service or the network failed, not the request itself."""
    if isinstance(error, DBAPIError):
        state = sql_state(error)
        return error.connection_invalidated or not state or state.startswith(_OUTAGES)
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in _RETRYABLE_STATUS
    if isinstance(error, httpx.TransportError):
        return not isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError)
    return isinstance(error, OSError | TimeoutError | PoolTimeout)
