"""A service as small as can be, to try the engine with: it tells letters under a key, and hears those of others.

A letter is public (`EntrySuspended` of the contracts, its number in `case_id`, its text in `reason`). What the service hears it
concludes as an event of its own, and only in the order of the numbers: whatever is lost, doubled or overtaken is refused.
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
from shared.messaging.parking import OPERATED
from shared.messaging.reaction import Batch, NotYet, Reactions
from shared.rejection import reject
from shared.timers.failed import TIMED

PARTITIONS = 3

METADATA = service_metadata()
HEARD = Table(
    "heard",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    CheckConstraint("text <> 'bad row'", name="text"),
)

Letter = EntrySuspended


class Heard(Event):
    TYPE: ClassVar[str] = "sample.heard.v1"
    key: str
    number: int
    text: str


@dataclass(frozen=True)
class Tell:
    key: str
    text: str


@dataclass(frozen=True)
class Hear:
    key: str
    number: int
    text: str


def letter(key: str, number: int, text: str = "") -> Letter:
    return Letter(
        entry_id=EntryId(key), subject=SubjectKey(key), lawbook_version=0, case_id=str(number), reason=text or str(number)
    )  # fmt: skip


def _tell(told: int, command: Tell, _: datetime) -> Sequence[Event]:
    if command.text == "once" and told:
        raise reject("told_already")
    return (letter(command.key, told + 1, command.text),)


def _told(told: int, _: Event) -> int:
    return told + 1


_HEARD_IN_ORDER = select(EVENTS.c.data).where(EVENTS.c.type == Heard.TYPE).order_by(EVENTS.c.position)

LETTERS: Decider[int, Tell] = Decider("letters", 0, _tell, _told)


def _hear(heard: int, command: Hear, _: datetime) -> Sequence[Event]:
    if command.number != heard + 1:
        raise reject("out_of_order", after=heard, came=command.number)
    return (Heard(key=command.key, number=command.number, text=command.text),)


def _evolve_heard(_: int, event: Event) -> int:
    return cast("Heard", event).number


HEARING: Decider[int, Hear] = Decider("hearing", 0, _hear, _evolve_heard)


async def project(connection: AsyncConnection, events: Sequence[Recorded]) -> None:
    rows = [{"key": e.key, "number": e.number, "text": e.text} for r in events if isinstance(e := r.event, Heard)]
    await insert_rows(connection, HEARD, rows)


@dataclass
class Trouble:
    """What goes wrong in the reaction, by the text of the letter. A test mends it by emptying the set."""

    poison: set[str] = field(default_factory=set[str])
    not_yet: set[str] = field(default_factory=set[str])
    outage: set[str] = field(default_factory=set[str])
    meanwhile: Callable[[Batch, Message], Awaitable[None]] | None = None
    """Something that happens while a batch is being handled, before each letter."""


def listening(trouble: Trouble, *, topics: tuple[str, ...] = (Topic.LIST,), never_parked: bool = False) -> Reactions:
    async def react(batch: Batch, messages: Sequence[Message]) -> None:
        await batch.session.load(HEARING, {cast("Letter", message.event).subject for message in messages})
        for message in messages:
            if trouble.meanwhile:
                await trouble.meanwhile(batch, message)
            _react(batch, message, trouble)

    return Reactions(topics, react, frozenset(topics) if never_parked else frozenset())


def _react(batch: Batch, message: Message, trouble: Trouble) -> None:
    event = cast("Letter", message.event)
    if event.reason in trouble.poison:
        raise ValueError(f"cannot bear {event.reason}")
    if event.reason in trouble.not_yet:
        raise NotYet(event.reason)
    if event.reason in trouble.outage:
        raise ConnectionResetError(event.reason)
    batch.because_of(message)
    batch.session.do_loaded(HEARING, event.subject, Hear(event.subject, int(event.case_id), event.reason))


@dataclass
class Sample:
    """One such service on a database of its own."""

    name: str
    engine: AsyncEngine
    trouble: Trouble = field(default_factory=Trouble)
    clock: MovableClock = field(default_factory=MovableClock)
    never_parked: bool = False
    topics: tuple[str, ...] = (Topic.LIST,)

    def __post_init__(self) -> None:
        vocabulary = PUBLIC | OPERATED | TIMED | Vocabulary([Heard])
        self.store = EventStore(self.engine, vocabulary, PARTITIONS, (project,))
        reactions = listening(self.trouble, topics=self.topics, never_parked=self.never_parked)
        self.intake = Intake(self.store, vocabulary, reactions, self.clock, self.name)

    def session(self) -> Session:
        return Session(self.store, self.clock.now(), Metadata(actor="test"))

    async def tell(self, key: str, *texts: str) -> None:
        """Tell letters under one key, in one transaction."""
        session = self.session()
        for text in texts:
            await session.do(LETTERS, key, Tell(key, text))
        async with self.engine.begin() as connection:
            await self.store.write(connection, [session.change()])
        self.store.committed()

    async def tell_many(self, keys: Sequence[str], each: int = 1) -> None:
        """Tell letters under many keys, in one transaction, with numbers for texts."""
        session = self.session()
        await session.load(LETTERS, keys)
        for number in range(each):
            for key in keys:
                session.do_loaded(LETTERS, key, Tell(key, f"{number}"))
        async with self.engine.begin() as connection:
            await self.store.write(connection, [session.change()])
        self.store.committed()

    async def heard(self) -> dict[str, list[int]]:
        """The numbers that were concluded from, by key, in the order in which they were recorded."""
        async with self.engine.connect() as connection:
            rows = await connection.execute(_HEARD_IN_ORDER)
            found: dict[str, list[int]] = {}
            for row in rows:
                event = cast("Heard", self.store.vocabulary.decode(Heard.TYPE, row.data))
                found.setdefault(event.key, []).append(event.number)
            return found

    @asynccontextmanager
    async def committing(self) -> AsyncGenerator[Committer]:
        committer = Committer(self.store)
        committer.start()
        try:
            yield committer
        finally:
            await committer.stop()


async def both(*work: Awaitable[object]) -> list[object]:
    """Do things at once; what each returned or raised."""
    return list(await asyncio.gather(*work, return_exceptions=True))
