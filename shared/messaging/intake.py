"""The intake: the transaction of one batch, from Kafka records to the events that a service decides because of them.

Invariants:
* The first statement is the fence, a conditional offset update: it moves this service's offset of the partition from the
  expected value, or the batch is rolled back. A consumer that lost its partition without noticing writes nothing.
* A sequence at or below the last one of its source is a duplicate and is skipped; a gap is a loss and stops the partition.
* An event that fails deterministically is parked (dead-lettered per key) with all later events of its key; outages park nothing.
* A transaction that finds a key parked takes the lock of that key before it adds to it, and so does a retry: nothing is parked
  behind a key that was just released, and no event overtakes another.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import ARRAY, BigInteger, Integer, Text, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.calendar.clock import Clock
from shared.contracts.vocabulary import Vocabulary
from shared.database import RawJson, insert_rows
from shared.eventstore import Change, EventStore, Metadata, Session
from shared.eventstore.schema import OFFSETS, PARKED
from shared.messaging.failures import Fenced, SequenceJump, describe, is_deterministic, origin
from shared.messaging.message import Message, RawRecord
from shared.messaging.reaction import Batch, Reactions
from shared.telemetry import traces

log = logging.getLogger(__name__)


@dataclass
class PartitionOffset:
    """The position of this service in one partition, as this consumer last read or wrote it.

    `sequences`: the last sequence of each source. `stopped_because`: why the partition is stopped, None when it is not.
    """

    topic: str
    partition: int
    next_offset: int
    sequences: dict[str, int] = field(default_factory=dict[str, int])
    stopped_because: str | None = None


@dataclass
class Intake:
    """Applies a service's reactions to the records of its topics."""

    store: EventStore
    vocabulary: Vocabulary
    reactions: Reactions
    clock: Clock
    service: str

    async def read_offset(self, topic: str, partition: int) -> PartitionOffset:
        """Read the stored offset; a partition that was never consumed begins at 0."""
        async with self.store.engine.begin() as connection:
            new = insert(OFFSETS).values(topic=topic, partition=partition, next_offset=0, sequences="{}")
            await connection.execute(new.on_conflict_do_nothing())
            query = select(OFFSETS).where(OFFSETS.c.topic == topic, OFFSETS.c.partition == partition)
            row = (await connection.execute(query)).one()
            return PartitionOffset(topic, partition, row.next_offset, orjson.loads(row.sequences), row.stopped_because)

    async def take(self, before: PartitionOffset, records: Sequence[RawRecord]) -> PartitionOffset:
        """Handle records that begin at `before.next_offset`; the offset after them.

        Raises Fenced, SequenceJump, NotYet (the whole batch waits), or an outage. Tries the whole batch first; when that fails
        deterministically, event by event.
        """
        new, sequences = _without_duplicates(before, records)
        after = PartitionOffset(before.topic, before.partition, records[-1].offset + 1, sequences)
        with traces.batch(
            f"consume {before.topic}",
            lambda: (raw.envelope.traceparent for raw in new),
            partition=before.partition,
            events=len(new),
        ):
            try:
                await self._transaction(before, after, new, self._handle_together)
            except Exception as error:
                if not is_deterministic(error):
                    raise
                await self._transaction(before, after, new, self._handle_one_by_one)
        return after

    async def stop(self, here: PartitionOffset, reason: str) -> None:
        """Store that a partition is stopped, and why, for operators. Does nothing when the stored offset has moved on."""
        async with self.store.engine.begin() as connection:
            await connection.execute(
                update(OFFSETS)
                .where(
                    OFFSETS.c.topic == here.topic,
                    OFFSETS.c.partition == here.partition,
                    OFFSETS.c.next_offset == here.next_offset,
                )
                .values(stopped_because=reason.replace("\0", ""))
            )

    async def _transaction(
        self, before: PartitionOffset, after: PartitionOffset, new: Sequence[RawRecord], handle: "Handle"
    ) -> None:
        changes: Sequence[Change] = ()
        async with self.store.engine.begin() as connection:
            keys = {raw.key for raw in new if raw.topic not in self.reactions.never_parked}
            held = await self._fence(connection, before, after, keys)
            ready = await self._park_behind(connection, new, held) if held else list(new)
            if ready:
                changes = await handle(connection, ready)
        self.store.committed(changes)

    async def _fence(
        self, connection: AsyncConnection, before: PartitionOffset, after: PartitionOffset, keys: Collection[str]
    ) -> Collection[str]:
        """Move the offset, or raise Fenced. Returns those of `keys` that are parked, queried in the same round trip."""
        moved = {
            "topic": before.topic,
            "partition": before.partition,
            "expected": before.next_offset,
            "next_offset": after.next_offset,
            "sequences": orjson.dumps(after.sequences).decode(),
            "keys": sorted(keys),
        }
        row = (await connection.execute(_FENCE, moved)).one()
        if not row.moved:
            raise Fenced(f"{before.topic}/{before.partition} is not at offset {before.next_offset}")
        return row.held

    async def _park_behind(
        self, connection: AsyncConnection, new: Sequence[RawRecord], held: Collection[str]
    ) -> list[RawRecord]:
        """Park the records whose key has a parked event, and return the others.

        A key whose events were released meanwhile parks nothing.
        """
        await lock_parked(connection, held)
        still = await parked_keys(connection, held)
        behind = [raw for raw in new if raw.key in still and raw.topic not in self.reactions.never_parked]
        await insert_rows(
            connection, PARKED, [parked_row(raw, "waits behind another", culprit=False) for raw in behind]
        )
        waiting = {raw.offset for raw in behind}
        return [raw for raw in new if raw.offset not in waiting]

    async def _handle_together(self, connection: AsyncConnection, ready: list[RawRecord]) -> list[Change]:
        return [await self.apply(connection, [raw.read(self.vocabulary) for raw in ready])]

    async def apply(self, connection: AsyncConnection, messages: Sequence[Message]) -> Change:
        """React to messages and write the decisions, within the caller's transaction; what was written."""
        cause = Metadata(actor=f"service:{self.service}")
        batch = Batch(connection, Session(self.store, self.clock.now(), cause, connection))
        await self.reactions.react(batch, messages)
        change = batch.session.change()
        await self.store.write(connection, [change])
        return change

    async def _handle_one_by_one(self, connection: AsyncConnection, ready: list[RawRecord]) -> list[Change]:
        """Find the culprit: each event under its own savepoint. Caches no states, because a savepoint may be rolled back."""
        held: set[str] = set()
        for raw in ready:
            if raw.key in held:
                await insert_rows(connection, PARKED, [parked_row(raw, "waits behind another", culprit=False)])
                continue
            try:
                async with connection.begin_nested():
                    await self.apply(connection, [raw.read(self.vocabulary)])
            except Exception as error:
                if not is_deterministic(error):
                    raise
                self._require_parkable(raw, error)
                held.add(raw.key)
                facts = (self.service, raw.envelope.type, raw.key, describe(error), origin(error))
                log.error("%s: parked %s under %s: %s at %s", *facts)
                await insert_rows(connection, PARKED, [parked_row(raw, describe(error), culprit=True)])
        return []

    def _require_parkable(self, raw: RawRecord, error: Exception) -> None:
        """Raise SequenceJump, which stops the partition, for an event of a `never_parked` topic or without a key."""
        if raw.topic in self.reactions.never_parked or not raw.key:
            raise SequenceJump(f"{raw.envelope.type} cannot be handled and must not be parked: {describe(error)}")


Handle = Callable[[AsyncConnection, list[RawRecord]], Awaitable[Sequence[Change]]]


_HELD = (
    "SELECT given.key FROM unnest(:keys) AS given (key) WHERE EXISTS (SELECT FROM parked WHERE parked.key = given.key)"
)
_PARKED_KEYS = text(_HELD).bindparams(bindparam("keys", type_=ARRAY(Text())))
_FENCE = text(f"""
    WITH moved AS (
        UPDATE offsets SET next_offset = :next_offset, sequences = :sequences, stopped_because = NULL
        WHERE topic = :topic AND partition = :partition AND next_offset = :expected RETURNING next_offset
    )
    SELECT EXISTS (SELECT FROM moved) AS moved, ARRAY({_HELD}) AS held
""").bindparams(
    bindparam("topic", type_=Text()),
    bindparam("partition", type_=Integer()),
    bindparam("expected", type_=BigInteger()),
    bindparam("next_offset", type_=BigInteger()),
    bindparam("sequences", type_=RawJson()),
    bindparam("keys", type_=ARRAY(Text())),
)
"""A transaction that waited for the offset row reads a stale snapshot of `parked` (READ COMMITTED). That is harmless: either it
is fenced, or the transaction that it waited for was rolled back and has parked nothing."""
_LOCK_PARKED = text("""
    SELECT pg_advisory_xact_lock(key) FROM (
        SELECT DISTINCT hashtextextended('parked ' || key, 0) AS key FROM unnest(:keys) AS key ORDER BY 1
    ) AS sorted
""").bindparams(bindparam("keys", type_=ARRAY(Text())))


async def parked_keys(connection: AsyncConnection, keys: Collection[str]) -> set[str]:
    """Which of these keys have parked events."""
    return set(await connection.scalars(_PARKED_KEYS, {"keys": sorted(keys)}))


async def lock_parked(connection: AsyncConnection, keys: Collection[str]) -> None:
    """Wait until no other transaction parks or releases events of these keys; the lock is held until the transaction ends."""
    await connection.execute(_LOCK_PARKED, {"keys": sorted(keys)})


def parked_row(raw: RawRecord, reason: str, *, culprit: bool) -> dict[str, Any]:
    """A row of the table `parked`."""
    return {
        "key": raw.key,
        "topic": raw.topic,
        "partition": raw.partition,
        "record_offset": raw.offset,
        "headers": raw.headers_json(),
        "body": raw.body,
        "reason": reason,
        "is_culprit": culprit,
    }


def _without_duplicates(
    before: PartitionOffset, records: Sequence[RawRecord]
) -> tuple[list[RawRecord], dict[str, int]]:
    """The records not seen before, and the last sequence of each source after them. Raises SequenceJump."""
    sequences = dict(before.sequences)
    new: list[RawRecord] = []
    for raw in records:
        source, sequence = raw.envelope.source, raw.envelope.sequence
        last = sequences.get(source, 0)
        if sequence <= last:
            continue
        if sequence > last + 1:
            raise SequenceJump(
                f"{raw.topic}/{raw.partition} at offset {raw.offset}: {source} goes from {last} to {sequence}"
            )
        sequences[source] = sequence
        new.append(raw)
    return new, sequences
