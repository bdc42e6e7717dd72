"""A minimal service to test the engine with: it publishes letters under a key, and consumes the letters of others.

A letter is a public event (`EntrySuspended` of the contracts, with its number in `case_id` and its text in `reason`). For each
consumed letter the service records an event of its own, and only in the order of the numbers: a lost, duplicate or overtaking
letter is rejected.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, cast

from sqlalchemy import CheckConstraint, Column, Integer, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.calendar.clock import MovableClock
from shared.contracts.event import EntryId, Event, SubjectKey, Topic
from shared.contracts.listing import EntrySuspended
from shared.contracts.vocabulary import PUBLIC, Vocabulary
from shared.database import insert_rows
from shared.decider import Decider
from shared.eventstore import EventStore, Metadata, Recorded, Session
from shared.eventstore.committer import Committer
from shared.eventstore.schema import EVENTS, service_metadata
from shared.messaging.intake import Intake
from shared.messaging.message import Message
from shared.messaging.parking import OPERATOR_EVENTS
from shared.messaging.reaction import Batch, NotYet, Reactions
from shared.rejection import reject
from shared.timers.failed import TIMER_EVENTS

PARTITIONS = 3

METADATA = service_metadata()
CONSUMED = Table(
    "consumed",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    CheckConstraint("text <> 'bad row'", name="text"),
)

Letter = EntrySuspended


class Consumed(Event):
    TYPE: ClassVar[str] = "sample.consumed.v1"
    key: str
    number: int
    text: str


@dataclass(frozen=True)
class Publish:
    key: str
    text: str


@dataclass(frozen=True)
class Consume:
    key: str
    number: int
    text: str


def letter(key: str, number: int, text: str = "") -> Letter:
    return Letter(
        entry_id=EntryId(key), subject=SubjectKey(key), lawbook_version=0, case_id=str(number), reason=text or str(number)
    )  # fmt: skip


def _publish(published: int, command: Publish, _: datetime) -> Sequence[Event]:
    if command.text == "once" and published:
        raise reject("already_published")
    return (letter(command.key, published + 1, command.text),)


def _count(published: int, _: Event) -> int:
    return published + 1


LETTERS: Decider[int, Publish] = Decider("letters", 0, _publish, _count)


def _consume(last: int, command: Consume, _: datetime) -> Sequence[Event]:
    if command.number != last + 1:
        raise reject("out_of_order", after=last, received=command.number)
    return (Consumed(key=command.key, number=command.number, text=command.text),)


def _last_number(_: int, event: Event) -> int:
    return cast("Consumed", event).number


CONSUMPTION: Decider[int, Consume] = Decider("consumption", 0, _consume, _last_number)

_CONSUMED_IN_ORDER = select(EVENTS.c.data).where(EVENTS.c.type == Consumed.TYPE).order_by(EVENTS.c.position)


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    rows = [{"key": e.key, "number": e.number, "text": e.text} for r in events if isinstance(e := r.event, Consumed)]
    await insert_rows(connection, CONSUMED, rows)


@dataclass
class Faults:
    """Letters, by their texts, at which the reaction fails. A test removes the cause by emptying the set."""

    poison: set[str] = field(default_factory=set[str])
    not_yet: set[str] = field(default_factory=set[str])
    outage: set[str] = field(default_factory=set[str])
    before_each: Callable[[Batch, Message], Awaitable[None]] | None = None
    """Called for each letter, before the reaction to it."""


def reactions(faults: Faults, *, topics: tuple[str, ...] = (Topic.LIST,), never_parked: bool = False) -> Reactions:
    async def react(batch: Batch, messages: Sequence[Message]) -> None:
        await batch.session.load(CONSUMPTION, {cast("Letter", message.event).subject for message in messages})
        for message in messages:
            if faults.before_each:
                await faults.before_each(batch, message)
            _react(batch, message, faults)

    return Reactions(topics, react, frozenset(topics) if never_parked else frozenset())


def _react(batch: Batch, message: Message, faults: Faults) -> None:
    event = cast("Letter", message.event)
    if event.reason in faults.poison:
        raise ValueError(f"cannot handle {event.reason}")
    if event.reason in faults.not_yet:
        raise NotYet(event.reason)
    if event.reason in faults.outage:
        raise ConnectionResetError(event.reason)
    batch.because_of(message)
    batch.session.do_loaded(CONSUMPTION, event.subject, Consume(event.subject, int(event.case_id), event.reason))


@dataclass
class Sample:
    """One instance of the sample service on a database."""

    name: str
    engine: AsyncEngine
    faults: Faults = field(default_factory=Faults)
    clock: MovableClock = field(default_factory=MovableClock)
    never_parked: bool = False
    topics: tuple[str, ...] = (Topic.LIST,)

    def __post_init__(self) -> None:
        vocabulary = PUBLIC | OPERATOR_EVENTS | TIMER_EVENTS | Vocabulary([Consumed])
        self.store = EventStore(self.engine, vocabulary, PARTITIONS, (project,))
        reacting = reactions(self.faults, topics=self.topics, never_parked=self.never_parked)
        self.intake = Intake(self.store, vocabulary, reacting, self.clock, self.name)

    def session(self) -> Session:
        return Session(self.store, self.clock.now(), Metadata(actor="test"))

    async def publish(self, key: str, *texts: str) -> None:
        """Publish letters under one key, in one transaction."""
        session = self.session()
        for text in texts:
            await session.do(LETTERS, key, Publish(key, text))
        async with self.engine.begin() as connection:
            await self.store.write(connection, [session.change()])
        self.store.committed()

    async def publish_many(self, keys: Sequence[str], each: int = 1) -> None:
        """Publish `each` letters under every key, in one transaction, with numbers as texts."""
        session = self.session()
        await session.load(LETTERS, keys)
        for number in range(each):
            for key in keys:
                session.do_loaded(LETTERS, key, Publish(key, f"{number}"))
        async with self.engine.begin() as connection:
            await self.store.write(connection, [session.change()])
        self.store.committed()

    async def consumed(self) -> dict[str, list[int]]:
        """The numbers of the consumed letters, by key, in the order in which they were recorded."""
        async with self.engine.connect() as connection:
            rows = await connection.execute(_CONSUMED_IN_ORDER)
            numbers: dict[str, list[int]] = {}
            for row in rows:
                event = cast("Consumed", self.store.vocabulary.decode(Consumed.TYPE, row.data))
                numbers.setdefault(event.key, []).append(event.number)
            return numbers

    @asynccontextmanager
    async def committing(self) -> AsyncGenerator[Committer]:
        committer = Committer(self.store)
        committer.start()
        try:
            yield committer
        finally:
            await committer.stop()


async def concurrently(*work: Awaitable[object]) -> list[object]:
    """Await all concurrently; what each returned or raised."""
    return list(await asyncio.gather(*work, return_exceptions=True))
