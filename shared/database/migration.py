"""Alembic, the same for every service: each has its own database and its own migrations, which begin with the engine's tables.

A service's `migrations/env.py` calls `run`; its first version calls `create_engine_tables`. Migrations never use the current
table definitions: everything that they create is written out here and in them.
"""

import asyncio
from pathlib import Path

import sqlalchemy as sa
from alembic import command, context, op
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from shared.database import RawJson, sql_state

SERVICES = Path(__file__).resolve().parent.parent.parent / "services"


def run(metadata: MetaData) -> None:
    """The body of every `env.py`."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()


_LOCALE = "ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"


async def create_database(url: str) -> None:
    """Create the database that the URL names, if it does not exist.

    It gets PostgreSQL's built-in locale, whatever the server's default: ids sort the same everywhere, and as in Python. Locks are
    taken in that order.
    """
    target = make_url(url)
    engine = create_async_engine(target.set(database="postgres"), isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            exists = text("SELECT 1 FROM pg_database WHERE datname = :name")
            if not await connection.scalar(exists, {"name": target.database}):
                quoted = engine.dialect.identifier_preparer.quote(target.database or "")
                await connection.execute(text(f"CREATE DATABASE {quoted} {_LOCALE} TEMPLATE template0"))
    finally:
        await engine.dispose()


def _is_lock_timeout(error: BaseException) -> bool:
    return isinstance(error, DBAPIError) and sql_state(error) == "55P03"


@retry(retry=retry_if_exception(_is_lock_timeout), wait=wait_fixed(1), stop=stop_after_delay(300), reraise=True)
async def migrate(service: str, url: str) -> None:
    """Migrate a service's database to the newest version. An advisory lock lets one migration run at a time.

    An older version of the service may be running meanwhile. While a migration waits for a table lock, all later statements on
    that table wait too. So it waits for two seconds only, and retries from the beginning.
    """
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('liandong migration'))"))
            await connection.execute(text("SET LOCAL lock_timeout = '2s'"))
            await connection.run_sync(_upgrade, service)
    finally:
        await engine.dispose()
    await asyncio.sleep(0)


def _upgrade(connection: Connection, service: str) -> None:
    command.upgrade(_config(connection, service), "head")


def _config(connection: Connection, service: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SERVICES / service / "migrations"))
    config.attributes["connection"] = connection
    return config


def drift(connection: Connection, metadata: MetaData) -> list[object]:
    """Differences between the database and the tables in the code; a test requires that there are none."""
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


def create_engine_tables() -> None:
    """The first version of the engine's tables (shared/eventstore/schema.py describes each)."""
    _create_log()
    _create_relay()
    _create_intake()
    _create_responses()


def _create_log() -> None:
    op.create_table(
        "events",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("data", RawJson(), nullable=False),
        sa.Column("metadata", RawJson(), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("position", name="events_pkey"),
        sa.UniqueConstraint("stream", "version", name="events_stream_version_key"),
    )
    op.create_table(
        "outbox",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="outbox_pkey"),
    )


def _create_relay() -> None:
    op.create_table(
        "published",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", "topic", "partition", "sequence", name="published_pkey"),
    )
    op.create_table(
        "counters",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("next_sequence", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "topic", "partition", name="counters_pkey"),
    )
    op.create_table(
        "store_identity",
        sa.Column("single", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("database_id", sa.Uuid(), nullable=False),
        sa.Column("source_epoch", sa.Integer(), nullable=False),
        sa.Column("leader_epoch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("single", name="store_identity_pkey"),
    )
    op.execute("INSERT INTO store_identity VALUES (1, gen_random_uuid(), 1, 0)")


def _create_intake() -> None:
    op.create_table(
        "offsets",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.Column("sequences", RawJson(), nullable=False),
        sa.Column("stopped_because", sa.Text()),
        sa.PrimaryKeyConstraint("topic", "partition", name="offsets_pkey"),
    )
    op.create_table(
        "parked",
        sa.Column("parked_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("record_offset", sa.BigInteger(), nullable=False),
        sa.Column("headers", RawJson(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("is_culprit", sa.Boolean(), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("parked_id", name="parked_pkey"),
    )
    op.create_index("parked_key_parked_id_idx", "parked", ["key", "parked_id"])
    op.create_table(
        "timers",
        sa.Column("timer_id", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", RawJson(), nullable=False),
        sa.Column("failed_because", sa.Text()),
        sa.PrimaryKeyConstraint("timer_id", name="timers_pkey"),
    )
    op.create_index("timers_due_at_idx", "timers", ["due_at"])


def _create_responses() -> None:
    op.create_table(
        "idempotency",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("body", RawJson(), nullable=False),
        sa.Column(
            "answered_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("caller", "key", name="idempotency_pkey"),
    )
    op.create_table(
        "clock",
        sa.Column("single", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("offset_seconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("single", name="clock_pkey"),
    )


def tune_engine_tables() -> None:
    """The second version of the engine's tables: vacuum settings that fit their use, and an index to find old responses."""
    for table, parameters in _STORAGE_PARAMETERS.items():
        op.execute(f"ALTER TABLE {table} SET ({parameters})")
    op.create_index("idempotency_answered_at_idx", "idempotency", ["answered_at"], postgresql_using="brin")


_QUEUE = (
    "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0, "
    "autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000, vacuum_truncate = false"
)
"""Rows are inserted and deleted all the time, and the table is normally almost empty. So vacuum starts after a number of deleted
rows, not after a share of the table, and runs at full speed. It does not truncate the file, because that takes a lock that would
block every command."""

_UPDATED_IN_PLACE = (
    "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0, "
    "fillfactor = 50"
)
"""A few rows that every batch updates. Free space on their pages keeps the new row version on the same page (a HOT update): no
index changes, and reads remove old versions."""

_DELETED_BY_AGE = "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000"
"""Large, and the oldest rows are deleted: vacuumed before a fifth of the table is dead."""

_STORAGE_PARAMETERS = {
    "outbox": _QUEUE,
    "parked": _QUEUE,
    "counters": _UPDATED_IN_PLACE,
    "offsets": _UPDATED_IN_PLACE,
    "timers": _DELETED_BY_AGE,
    "idempotency": _DELETED_BY_AGE,
}


def create_lawbook_table() -> None:
    """A service's copy of the law book (shared/runtime/lawbook_copy.py)."""
    op.create_table(
        "lawbook_changes",
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", RawJson(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="lawbook_changes_pkey"),
    )
