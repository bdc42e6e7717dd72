"""The tables of the engine, the same in the database of every service. Created by Alembic only (shared/migration)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)

from shared.database import RawJson

NAMING = {
    "pk": "%(table_name)s_pkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}
ENGINE_TABLES = MetaData(naming_convention=NAMING)

EVENTS = Table(
    "events",
    ENGINE_TABLES,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("stream", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("data", RawJson, nullable=False),
    Column("metadata", RawJson, nullable=False),
    Column("effective_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    UniqueConstraint("stream", "version"),
)
"""`recorded_at` is the database's time; `effective_at` the service clock's."""

OUTBOX = Table(
    "outbox",
    ENGINE_TABLES,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("key", Text, nullable=False),
)
"""Pointers to public events that have no number yet."""

PUBLISHED = Table(
    "published",
    ENGINE_TABLES,
    Column("source", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("key", Text, nullable=False),
    PrimaryKeyConstraint("source", "topic", "partition", "sequence"),
)
"""Numbered public events, kept for good: a lost broker is refilled from here."""

COUNTERS = Table(
    "counters",
    ENGINE_TABLES,
    Column("source", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("next_sequence", BigInteger, nullable=False),
    Column("acknowledged", BigInteger, nullable=False),
    PrimaryKeyConstraint("source", "topic", "partition"),
)
"""The next number to give and the last that the broker acknowledged, of each partition."""

IDENTITY = Table(
    "store_identity",
    ENGINE_TABLES,
    Column("single", SmallInteger, primary_key=True, autoincrement=False),
    Column("database_id", Uuid, nullable=False),
    Column("source_epoch", Integer, nullable=False),
    Column("leader_epoch", BigInteger, nullable=False),
)
"""One row. `source_epoch` rises with a restore or a repartition; `leader_epoch` with every new relay leader."""

OFFSETS = Table(
    "offsets",
    ENGINE_TABLES,
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("sequences", RawJson, nullable=False),
    Column("stopped_because", Text),
    PrimaryKeyConstraint("topic", "partition"),
)
"""Where this service stands in each partition, and the last sequence of each source: the fence of its consumers."""

PARKED = Table(
    "parked",
    ENGINE_TABLES,
    Column("parked_id", BigInteger, Identity(always=True), primary_key=True),
    Column("key", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("record_offset", BigInteger, nullable=False),
    Column("headers", RawJson, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("is_culprit", Boolean, nullable=False),
    Column("parked_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Index(None, "key", "parked_id"),
)
"""Events that wait, in order, behind one of their key that could not be handled. There is no flag: rows are the fact."""

TIMERS = Table(
    "timers",
    ENGINE_TABLES,
    Column("timer_id", Text, primary_key=True),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("payload", RawJson, nullable=False),
    Column("failed_because", Text),
    Index(None, "due_at"),
)

IDEMPOTENCY = Table(
    "idempotency",
    ENGINE_TABLES,
    Column("caller", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_hash", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("body", RawJson, nullable=False),
    Column("answered_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    PrimaryKeyConstraint("caller", "key"),
    Index(None, "answered_at", postgresql_using="brin"),
)
"""The answers given, by caller and Idempotency-Key: asked again, answered again, done once. Old ones are forgotten."""

CLOCK = Table(
    "clock",
    ENGINE_TABLES,
    Column("single", SmallInteger, primary_key=True, autoincrement=False),
    Column("offset_seconds", BigInteger, nullable=False),
)
"""How far a movable clock was moved: a restart does not move it back."""


def service_metadata() -> MetaData:
    """Metadata with the engine's tables in it, for a service to add its own."""
    metadata = MetaData(naming_convention=NAMING)
    for table in ENGINE_TABLES.tables.values():
        table.to_metadata(metadata)
    return metadata
