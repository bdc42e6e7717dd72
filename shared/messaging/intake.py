"""From records to effects, in the database: the transaction of a batch.

Invariants:
* The first statement is the fence: it moves this service's offset of the partition from what was expected. Nobody else
  can have moved it, or nothing of this batch stands. A consumer that lost its partition without noticing writes nothing.
* A sequence at or below the last of its source is a duplicate and is skipped; a jump is a loss and stops the partition.
* An event that fails deterministically is parked with all that follows under its key; outages park nothing.
* Whoever finds a key parked takes the lock of that key before it adds to it, as the one who retries does: nothing is parked
  behind what was just released, and nothing overtakes.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from traceback import extract_tb
from typing import Any

import orjson
from sqlalchemy import ARRAY, BigInteger, Integer, Text, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.calendar.clock import Clock
from shared.contracts.vocabulary import UnknownEventType, UnreadableEvent, Vocabulary
from shared.database import RawJson, insert_rows, is_outage, sql_state
from shared.eventstore import Change, EventStore, Metadata, Session, VersionConflict
from shared.eventstore.schema import OFFSETS, PARKED
from shared.messaging.message import Message, Raw
from shared.messaging.reaction import Batch, NotYet, Reactions
from shared.telemetry import traces

log = logging.getLogger(__name__)


class Fenced(Exception):
    """The offset is not where this consumer thought: another instance went on, or the answer to a commit was lost."""


class SequenceJump(Exception):
    """A source's numbers jump: events are lost. The partition stops until an operator has looked."""


@dataclass
class Place:
    """Where this service stands in one partition, as far as this consumer knows."""

    topic: str
    partition: int
    next_offset: int
    sequences: dict[str, int] = field(default_factory=dict[str, int])
    stopped_because: str | None = None


@dataclass
class Intake:
    """Turns the records of one service's topics into what the service concludes from them."""

    store: EventStore
    vocabulary: Vocabulary
    reactions: Reactions
    clock: Clock
    service: str

    async def place(self, topic: str, partition: int) -> Place:
        """Read where we stand; a partition never seen begins at 0."""
        async with self.store.engine.begin() as connection:
            new = insert(OFFSETS).values(topic=topic, partition=partition, next_offset=0, sequences="{}")
            await connection.execute(new.on_conflict_do_nothing())
            query = select(OFFSETS).where(OFFSETS.c.topic == topic, OFFSETS.c.partition == partition)
            row = (await connection.execute(query)).one()
            return Place(topic, partition, row.next_offset, orjson.loads(row.sequences), row.stopped_because)

    async def take(self, place: Place, records: Sequence[Raw]) -> Place:
        """Handle records that begin at `place.next_offset`; the place after them.

        Raises Fenced, SequenceJump, NotYet (all of it waits), or an outage. Tries the whole batch first; when that fails
        deterministically, event by event.
        """
        fresh, sequences = _fresh(place, records)
        after = Place(place.topic, place.partition, records[-1].offset + 1, sequences)
        with traces.batch(
            f"consume {place.topic}",
            lambda: (raw.envelope.traceparent for raw in fresh),
            partition=place.partition,
            events=len(fresh),
        ):
            try:
                await self._transaction(place, after, fresh, self._handle_together)
            except Exception as error:
                if not is_deterministic(error):
                    raise
                await self._transaction(place, after, fresh, self._handle_one_by_one)
        return after

    async def stop(self, place: Place, reason: str) -> None:
        """Remember that a partition stands still, and why, for operators to see."""
        async with self.store.engine.begin() as connection:
            await connection.execute(
                update(OFFSETS)
                .where(
                    OFFSETS.c.topic == place.topic,
                    OFFSETS.c.partition == place.partition,
                    OFFSETS.c.next_offset == place.next_offset,
                )
                .values(stopped_because=reason.replace("\0", ""))
            )

    async def _transaction(self, place: Place, after: Place, fresh: Sequence[Raw], handle: "Handle") -> None:
        changes: Sequence[Change] = ()
        async with self.store.engine.begin() as connection:
            keys = {raw.key for raw in fresh if raw.topic not in self.reactions.never_parked}
            held = await self._fence(connection, place, after, keys)
            ready = await self._park_behind(connection, fresh, held) if held else list(fresh)
            if ready:
                changes = await handle(connection, ready)
        self.store.committed(changes)

    async def _fence(
        self, connection: AsyncConnection, place: Place, after: Place, keys: Collection[str]
    ) -> Collection[str]:
        """Move on, or raise Fenced; the keys under which something is parked, asked in the same round trip."""
        moved = {
            "topic": place.topic,
            "partition": place.partition,
            "expected": place.next_offset,
            "next_offset": after.next_offset,
            "sequences": orjson.dumps(after.sequences).decode(),
            "keys": sorted(keys),
        }
        row = (await connection.execute(_FENCE, moved)).one()
        if not row.moved:
            raise Fenced(f"{place.topic}/{place.partition} is not at {place.next_offset}")
        return row.held

    async def _park_behind(self, connection: AsyncConnection, fresh: Sequence[Raw], held: Collection[str]) -> list[Raw]:
        """Park what waits behind a parked event of its key; the rest. What was released meanwhile is held no more."""
        await lock_parked(connection, held)
        still = await parked_keys(connection, held)
        behind = [raw for raw in fresh if raw.key in still and raw.topic not in self.reactions.never_parked]
        await insert_rows(
            connection, PARKED, [parked_row(raw, "waits behind another", culprit=False) for raw in behind]
        )
        waiting = {raw.offset for raw in behind}
        return [raw for raw in fresh if raw.offset not in waiting]

    async def _handle_together(self, connection: AsyncConnection, ready: list[Raw]) -> list[Change]:
        return [await self.apply(connection, [raw.read(self.vocabulary) for raw in ready])]

    async def apply(self, connection: AsyncConnection, messages: Sequence[Message]) -> Change:
        """React to messages and write what was decided, within the caller's transaction; what was written."""
        cause = Metadata(actor=f"service:{self.service}")
        batch = Batch(connection, Session(self.store, self.clock.now(), cause, connection))
        await self.reactions.react(batch, messages)
        change = batch.session.change()
        await self.store.write(connection, [change])
        return change

    async def _handle_one_by_one(self, connection: AsyncConnection, ready: list[Raw]) -> list[Change]:
        """Find the culprit: each event under a savepoint of its own. Remembers no states: savepoints may have been undone."""
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
                self._may_park(raw, error)
                held.add(raw.key)
                told = (self.service, raw.envelope.type, raw.key, describe(error), origin(error))
                log.error("%s: parked %s under %s: %s at %s", *told)
                await insert_rows(connection, PARKED, [parked_row(raw, describe(error), culprit=True)])
        return []

    def _may_park(self, raw: Raw, error: Exception) -> None:
        if raw.topic in self.reactions.never_parked or not raw.key:
            raise SequenceJump(f"{raw.envelope.type} cannot be handled and must not be parked: {describe(error)}")


Handle = Callable[[AsyncConnection, list[Raw]], Awaitable[Sequence[Change]]]


def is_deterministic(error: BaseException) -> bool:
    """True when the same event on the same state fails again: contract, domain or data, or a fault of this program."""
    if isinstance(error, Fenced | SequenceJump | NotYet | VersionConflict | MemoryError):
        return False
    return isinstance(error, Exception) and not is_outage(error)


def describe(error: Exception) -> str:
    """What went wrong, for an operator: the kind and the place, without values that may be a person's."""
    kind = type(error).__name__
    if isinstance(error, DBAPIError):
        return f"{kind}: {type(getattr(error.orig, '__cause__', None)).__name__} {sql_state(error)}".strip()
    told = str(error).replace("\0", "")
    if isinstance(error, UnknownEventType | UnreadableEvent) or not told:
        return f"{kind}: {told}"
    return f"{kind}: {told.splitlines()[0][:300]}"


def origin(error: Exception) -> str:
    """Where in our own code it went wrong, for logs: a whole traceback ends with the values that the database refused."""
    frames = extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(ours[-3:]))


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
"""Who has to wait for another's fence sees keys as they were before: then it is fenced, or the other has left nothing behind."""
_LOCK_PARKED = text("""
    SELECT pg_advisory_xact_lock(key) FROM (
        SELECT DISTINCT hashtextextended('parked ' || key, 0) AS key FROM unnest(:keys) AS key ORDER BY 1
    ) AS sorted
""").bindparams(bindparam("keys", type_=ARRAY(Text())))


async def parked_keys(connection: AsyncConnection, keys: Collection[str]) -> set[str]:
    """Which of these keys have something parked."""
    return set(await connection.scalars(_PARKED_KEYS, {"keys": sorted(keys)}))


async def lock_parked(connection: AsyncConnection, keys: Collection[str]) -> None:
    """Wait until nobody else adds to what is parked under these keys or releases it; held until the transaction ends."""
    await connection.execute(_LOCK_PARKED, {"keys": sorted(keys)})


def parked_row(raw: Raw, reason: str, *, culprit: bool) -> dict[str, Any]:
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


def _fresh(place: Place, records: Sequence[Raw]) -> tuple[list[Raw], dict[str, int]]:
    """What was not seen before, and the last sequences after it. Raises SequenceJump."""
    sequences = dict(place.sequences)
    fresh: list[Raw] = []
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
        fresh.append(raw)
    return fresh, sequences
