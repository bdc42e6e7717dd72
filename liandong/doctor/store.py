"""Examines the database of a service: whether it is reachable, its migration version, and the progress of its work."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from liandong.doctor.finding import Finding, found
from shared.database import sql_state
from shared.database.migration import SERVICES as FOLDERS
from shared.telemetry.gauges import OVERDUE
from shared.telemetry.logs import error_summary

CLOCKS_MAY_DIFFER_SECONDS = 2.0
_CONNECTIONS_IN_USE = 0.9
_BY_STATE = {"28P01": "database_refuses", "28000": "database_refuses", "42501": "database_refuses"}

_SERVER = text("""
    SELECT extract(epoch FROM clock_timestamp())::float8 AS clock,
           pg_is_in_recovery() AS standby,
           (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
           current_setting('max_connections')::int AS most,
           (SELECT array_agg(name::text) FROM pg_settings
            WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off') AS undurable,
           to_regclass('public.alembic_version') IS NOT NULL AS migrated
""")
_OFFSETS = text("SELECT topic, partition, next_offset, stopped_because FROM offsets ORDER BY topic, partition")
_WORK = text("""
    SELECT EXISTS (
               SELECT FROM pg_locks
               WHERE locktype = 'advisory' AND objsubid = 1
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                 AND (classid::bigint << 32) | objid::bigint = hashtext('liandong relay')::bigint
           ) AS has_leader,
           (SELECT count(*) FROM outbox) AS outbox,
           (SELECT coalesce(sum(next_sequence - 1 - acknowledged), 0)::bigint FROM counters) AS unacknowledged,
           (SELECT coalesce(sum(acknowledged), 0)::bigint FROM counters) AS acknowledged,
           (SELECT count(*) FROM parked) AS parked,
           (SELECT count(DISTINCT key) FROM parked) AS parked_keys,
           (SELECT coalesce(max(offset_seconds), 0) FROM clock) AS clock_moved
""")
_TIMERS = text("""
    SELECT count(*) FILTER (WHERE failed_because IS NULL AND due_at <= :late) AS overdue,
           count(*) FILTER (WHERE failed_because IS NOT NULL) AS failed
    FROM timers WHERE due_at <= :now
""")


@dataclass(frozen=True)
class Work:
    """A snapshot of the work of one service."""

    has_leader: bool
    """An instance holds the relay's lock: the service runs."""
    outbox: int
    unacknowledged: int
    acknowledged: int
    parked: int
    parked_keys: int
    clock_moved: timedelta
    timers_overdue: int
    timers_failed: int
    offsets: Mapping[tuple[str, int], tuple[int, str | None]]
    """By topic and partition: the next offset, and the reason if the partition is stopped."""


async def examine(engine: AsyncEngine, service: str) -> tuple[list[Finding], Work | None]:
    """Findings about a service's database, and the service's work when it can be read."""
    try:
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            findings, migrated = await _server(connection, service)
            return findings, await _work(connection) if migrated else None
    except (DBAPIError, OSError, TimeoutError) as error:
        return [_connection_finding(engine, service, error)], None


async def work(engine: AsyncEngine) -> Work:
    """A new snapshot of the service's work."""
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        return await _work(connection)


async def _server(connection: AsyncConnection, service: str) -> tuple[list[Finding], bool]:
    before = datetime.now(UTC)
    row = (await connection.execute(_SERVER)).one()
    middle = before + (datetime.now(UTC) - before) / 2
    findings: list[Finding] = []
    ahead = row.clock - middle.timestamp()
    if abs(ahead) > CLOCKS_MAY_DIFFER_SECONDS:
        findings.append(found("clock_off", "machine", seconds=round(ahead)))
    if row.standby:
        findings.append(found("database_read_only", service))
    if row.used > row.most * _CONNECTIONS_IN_USE:
        findings.append(found("connections_scarce", service, used=row.used, most=row.most))
    findings += [found("not_durable", service, setting=setting) for setting in row.undurable or ()]
    at = await connection.scalar(text("SELECT version_num FROM public.alembic_version")) if row.migrated else None
    return findings + _version(service, at), at is not None


def _version(service: str, at: str | None) -> list[Finding]:
    scripts = ScriptDirectory(str(FOLDERS / service / "migrations"))
    head = scripts.get_current_head()
    if at == head:
        return []
    code = "migrations_behind"
    try:
        scripts.get_revision(at or "base")
    except CommandError:
        code = "database_newer"
    return [found(code, service, at=at or "-", head=head)]


async def _work(connection: AsyncConnection) -> Work:
    row = (await connection.execute(_WORK)).one()
    moved = timedelta(seconds=row.clock_moved)
    now = datetime.now(UTC) + moved
    timers = (await connection.execute(_TIMERS, {"now": now, "late": now - OVERDUE})).one()
    offsets = {
        (one.topic, one.partition): (one.next_offset, one.stopped_because) for one in await _offset_rows(connection)
    }
    return Work(
        row.has_leader,
        row.outbox,
        row.unacknowledged,
        row.acknowledged,
        row.parked,
        row.parked_keys,
        moved,
        timers.overdue,
        timers.failed,
        offsets,
    )


async def _offset_rows(connection: AsyncConnection) -> list[Any]:
    return list(await connection.execute(_OFFSETS))


def _connection_finding(engine: AsyncEngine, service: str, error: Exception) -> Finding:
    at = make_url(engine.url)
    server = f"{at.host}:{at.port or 5432}"
    state = sql_state(error) if isinstance(error, DBAPIError) else ""
    if state == "3D000":
        return found("database_missing", service, database=at.database)
    words = _words(error)
    if state in _BY_STATE:
        return found(_BY_STATE[state], service, server=server, user=at.username, words=words)
    return found("database_unreachable", service, server=server, words=words)


def _words(error: Exception) -> str:
    """The server's message when it refused the connection; it contains no data of the services."""
    cause = getattr(getattr(error, "orig", None), "__cause__", None)
    if isinstance(error, DBAPIError) and cause is not None:
        return str(cause).partition("\n")[0]
    return error_summary(error)
