"""The bare things: multi-row inserts with asyncpg and nothing around them, and aiokafka's own `send()` loop.

A multi-row insert is `INSERT … SELECT … FROM unnest(…)`, one array for each column: the fastest of the plain forms (a VALUES list
of the same rows is a longer statement for each number of rows). COPY is no insert and is not compared with.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

if TYPE_CHECKING:
    from asyncpg import Connection as _Connection

    Connection = _Connection[Any]
else:
    from asyncpg import Connection

Row = Sequence[Any]
T = TypeVar("T")

SCHEMA = "bare"


@dataclass(frozen=True, slots=True)
class BareTable:
    """A table of the same shape and with the same indexes, which contains only bare inserts."""

    name: str
    columns: tuple[str, ...]
    """The columns without those that the database generates."""
    types: tuple[str, ...]

    @property
    def insert(self) -> str:
        """One statement for any number of rows."""
        names = ", ".join(f'"{name}"' for name in self.columns)
        arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(self.types, start=1))
        return f'INSERT INTO {SCHEMA}."{self.name}" ({names}) SELECT * FROM unnest({arrays})'

    @property
    def insert_one(self) -> str:
        """A plain one-row insert."""
        names = ", ".join(f'"{name}"' for name in self.columns)
        values = ", ".join(f"${place}::{kind}" for place, kind in enumerate(self.types, start=1))
        return f'INSERT INTO {SCHEMA}."{self.name}" ({names}) VALUES ({values})'

    async def put(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Insert rows in one round trip."""
        if rows:
            await connection.execute(self.insert, *zip(*rows, strict=True))


_COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute
    WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attidentity = '' AND attgenerated = ''
    ORDER BY attnum
"""


async def bare_table(connection: Connection, name: str, leave_out: Iterable[str] = ()) -> BareTable:
    """Create a bare copy of an existing table. `leave_out`: columns that the database fills in."""
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    await connection.execute(f'CREATE TABLE {SCHEMA}."{name}" (LIKE public."{name}" INCLUDING ALL)')
    found = await connection.fetch(_COLUMNS, f'public."{name}"')
    given = [row for row in found if row["attname"] not in set(leave_out)]
    return BareTable(name, tuple(row["attname"] for row in given), tuple(row["type"] for row in given))


@dataclass
class Mirror:
    """Bare copies of every table of a database, into which the rows written by some work are inserted.

    A changed row counts as a written row. The bare tables are emptied before each insert, so that keys do not collide; their
    indexes are then small, which is an advantage for the bare side.
    """

    connection: Connection
    tables: list[BareTable]
    _mark: int = 0
    written: dict[str, int] = field(default_factory=dict[str, int])

    async def mark(self) -> None:
        """Rows written after this call count as new."""
        self._mark = await self.connection.fetchval("SELECT txid_current()")

    async def since_mark(self) -> dict[str, list[Row]]:
        """The rows written since the mark, by table."""
        found: dict[str, list[Row]] = {}
        for table in self.tables:
            names = ", ".join(f'"{name}"' for name in table.columns)
            query = f'SELECT {names} FROM public."{table.name}" WHERE xmin::text::bigint > $1'
            rows = cast("list[Row]", await self.connection.fetch(query, self._mark))
            if rows:
                found[table.name] = rows
                self.written[table.name] = self.written.get(table.name, 0) + len(rows)
        return found

    async def clear(self) -> None:
        names = ", ".join(f'{SCHEMA}."{table.name}"' for table in self.tables)
        await self.connection.execute(f"TRUNCATE {names}")

    async def put(self, rows: dict[str, list[Row]], transactions: int) -> None:
        """Insert the rows in this number of transactions, the rows of each table in equal parts."""
        shares = {name: shared_out(given, transactions) for name, given in rows.items()}
        by_name = {table.name: table for table in self.tables}
        for nth in range(transactions):
            async with self.connection.transaction():
                for name, parts in shares.items():
                    await by_name[name].put(self.connection, parts[nth])


async def mirror(connection: Connection) -> Mirror:
    """A mirror of all tables of a database."""
    names = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1"
    )
    return Mirror(connection, [await bare_table(connection, row["tablename"]) for row in names])


def shared_out(rows: Sequence[T], parts: int) -> list[Sequence[T]]:
    """The rows in this number of parts of almost equal size, in order."""
    size = -(-len(rows) // parts)
    return [rows[nth * size : (nth + 1) * size] for nth in range(parts)]


def chunks(values: Iterable[T], size: int) -> Iterable[list[T]]:
    """The values in lists of this size; the last may be shorter."""
    source = iter(values)
    while chunk := list(islice(source, size)):
        yield chunk


# --- Kafka -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BareRecord:
    """The content of one record of a topic."""

    partition: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]

    @property
    def size(self) -> int:
        return len(self.key) + len(self.value) + sum(len(name) + len(value) for name, value in self.headers)


def bare_producer(kafka: str) -> AIOKafkaProducer:
    """Idempotent and acknowledged by all replicas, like the relay's producer; otherwise aiokafka's defaults."""
    return AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True, acks="all")


async def send_loop(producer: AIOKafkaProducer, topic: str, records: Iterable[BareRecord]) -> None:
    """`send()` each record, then wait until all are acknowledged. The partition is given, so no key is hashed."""
    pending: list[Any] = [
        await producer.send(topic, record.value, record.key, record.partition, headers=record.headers)
        for record in records
    ]
    await asyncio.gather(*pending)


async def poll_loop(consumer: AIOKafkaConsumer, count: int) -> None:
    """Poll until this number of records was received."""
    while count > 0:
        fetched = cast("dict[TopicPartition, list[Any]]", await consumer.getmany(timeout_ms=1000, max_records=2000))
        count -= sum(len(records) for records in fetched.values())


async def read_all(kafka: str, topic: str, partitions: int) -> list[BareRecord]:
    """All records of a topic, partition by partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        assigned = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(assigned)
        ends = cast("dict[TopicPartition, int]", await consumer.end_offsets(assigned))
        left = sum(ends.values())
        found: list[BareRecord] = []
        while left > 0:
            fetched = cast("dict[TopicPartition, list[Any]]", await consumer.getmany(timeout_ms=1000))
            for records in fetched.values():
                left -= len(records)
                found += [BareRecord(r.partition, r.key, r.value, list(r.headers)) for r in records]
        return found
    finally:
        await consumer.stop()
