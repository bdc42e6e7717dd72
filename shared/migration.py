"""Alembic, the same for every service: one database each, its migrations beside it, the engine's tables first.

A service's `migrations/env.py` calls `run`; its first version calls `create_engine_tables`. Migrations never look at today's
tables: what they make is written out here and in them.
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
from sqlalchemy.ext.asyncio import create_async_engine

from shared.database import RawJson

SERVICES = Path(__file__).resolve().parent.parent / "services"


def run(metadata: MetaData) -> None:
    """The body of every `env.py`."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()


async def create_database(url: str) -> None:
    """Create the database that the URL names, when the server does not have it."""
    target = make_url(url)
    engine = create_async_engine(target.set(database="postgres"), isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            known = text("SELECT 1 FROM pg_database WHERE datname = :name")
            if not await connection.scalar(known, {"name": target.database}):
                quoted = engine.dialect.identifier_preparer.quote(target.database or "")
                await connection.execute(text(f"CREATE DATABASE {quoted} ENCODING 'UTF8' TEMPLATE template0"))
    finally:
        await engine.dispose()


async def migrate(service: str, url: str) -> None:
    """Bring a service's database to the newest version. One at a time: others wait."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('liandong migration'))"))
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
    """Where the database differs from the tables in the code; a test wants nothing here."""
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


def create_engine_tables() -> None:
    """The engine's tables as of its first version (shared/eventstore/schema.py says what each is)."""
    _create_log()
    _create_relay()
    _create_intake()
    _create_answers()


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


def _create_answers() -> None:
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


def create_lawbook_table() -> None:
    """A service's copy of the law book (shared/lawbook/shelf.py)."""
    op.create_table(
        "lawbook_changes",
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", RawJson(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="lawbook_changes_pkey"),
    )
