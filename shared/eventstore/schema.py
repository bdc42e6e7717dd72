"""The engine's tables, the same in every service's database. Only Alembic creates them (shared/database/migration.py)."""

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
"""`recorded_at`: time of the database. `effective_at`: time of the service's clock."""

OUTBOX = Table(
    "outbox",
    ENGINE_TABLES,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("key", Text, nullable=False),
)
"""Pointers to public events that have no sequence yet."""

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
"""Public events with their sequences, kept for good: a lost broker is refilled from here."""

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
"""For each partition: the next sequence to assign, and the last one that the broker acknowledged."""

IDENTITY = Table(
    "store_identity",
    ENGINE_TABLES,
    Column("single", SmallInteger, primary_key=True, autoincrement=False),
    Column("database_id", Uuid, nullable=False),
    Column("source_epoch", Integer, nullable=False),
    Column("leader_epoch", BigInteger, nullable=False),
)
"""One row. A restore or a change of the partition count raises `source_epoch`; every new relay leader raises `leader_epoch`."""

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
"""This service's offset in each partition, and the last sequence of each source. Updated conditionally: the consumers' fence."""

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
"""Dead letters per key: an event that could not be handled, and the later events of its key, in order.

No flag marks a key as parked: it is parked as long as it has rows here."""

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
"""Stored responses by caller and Idempotency-Key: a repeated request gets the stored response and does nothing again.

Old rows are deleted."""

CLOCK = Table(
    "clock",
    ENGINE_TABLES,
    Column("single", SmallInteger, primary_key=True, autoincrement=False),
    Column("offset_seconds", BigInteger, nullable=False),
)
"""The offset of a movable clock, stored so that a restart keeps it."""


def service_metadata() -> MetaData:
    """MetaData with the engine's tables, to which a service adds its own."""
    metadata = MetaData(naming_convention=NAMING)
    for table in ENGINE_TABLES.tables.values():
        table.to_metadata(metadata)
    return metadata
