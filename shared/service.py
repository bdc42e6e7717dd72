"""What every service is made of: its store, committer, relay, consumer, timers, law book and HTTP face, started in order.

A service's `app.py` fills in a `Parts` and gets a `Service`; the node and the containers run it the same way.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fastapi import FastAPI
from sqlalchemy import MetaData, Table, text

from shared.clock import MovableClock, SystemClock
from shared.contracts.vocabulary import PUBLIC, Vocabulary
from shared.core import Core
from shared.database import connect
from shared.eventstore import EventStore, Projection
from shared.eventstore.committer import Committer
from shared.failed_timers import TIMED
from shared.lawbook.shelf import Shelf
from shared.messaging.consumer import Consumer
from shared.messaging.intake import Intake
from shared.messaging.parking import OPERATED
from shared.messaging.reaction import Reactions
from shared.messaging.relay import Relay
from shared.messaging.topics import group_of
from shared.rebuild import OwnEvents, Rebuild, Report, Source
from shared.settings import Settings
from shared.telemetry.gauges import Scrape
from shared.telemetry.whose import work_of
from shared.timers import Fire, Timers
from shared.trust import TokenVerifier
from shared.web.access import trust
from shared.web.forgetting import OldAnswers
from shared.web.health import health, metrics
from shared.web.operations import router as operations
from shared.web.writing import Writer

__all__ = ["Core", "Parts", "Runs", "Service"]

log = logging.getLogger(__name__)


class Runs(Protocol):
    """Something with a life of its own in a service: a job, a loop."""

    def start(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass(frozen=True)
class Parts:
    """What makes one service differ from another."""

    name: str
    metadata: MetaData
    vocabulary: Vocabulary
    """The service's own private events; public ones, and those of operators, are added."""
    projections: Sequence[Projection]
    application: Callable[[Core], FastAPI]
    shelf: Table | None = None
    reactions: Callable[[Core], Reactions] | None = None
    timers: Callable[[Core], Fire] | None = None
    timers_over: frozenset[str] = frozenset()
    """Codes of refusals by which a timer's command says that what it was for has come about already."""
    jobs: Callable[[Core], Sequence[Runs]] | None = None
    unique_faults: dict[str, str] = field(default_factory=dict[str, str])
    read_models: Sequence[Table] = ()
    """Tables that the projections fill and nobody else: they can be rebuilt."""
    rebuilt_from: Callable[[Core], Sequence[Source]] | None = None
    """From what they are folded, when it is not from this service's own events by its projections."""


class Service:
    """A service, ready to start. `app` answers HTTP; the rest runs beside it."""

    def __init__(self, parts: Parts, settings: Settings) -> None:
        self.name = parts.name
        self.parts = parts
        self.core = core = _core(parts, settings)
        self.relay = Relay(parts.name, core.engine, settings.topics, settings.broker)
        core.store.on_commit.append(self.relay.wake)
        self.intake = self._intake(core)
        self.consumer = self._consumer(settings)
        self._runs: list[Runs] = []
        if parts.timers:
            self._runs.append(Timers(parts.name, core.store, core.clock, parts.timers(core), parts.timers_over))
        self._runs.append(OldAnswers(parts.name, core.engine, settings.answers_kept_days))
        if parts.jobs:
            self._runs.extend(parts.jobs(core))
        self.app = parts.application(core)
        self.app.include_router(health({"database": self.ready}))
        self.app.include_router(metrics(Scrape(core, self.app.state.requests, self.relay, self.consumer).text))
        self.app.include_router(operations)
        # First of all: a path like the catalogue's `/v1/{kind}/{item_id}` must not take an operator's.
        routes = self.app.router.routes
        routes.insert(0, routes.pop())
        trust(self.app, TokenVerifier(settings.trust()))
        self.app.state.writer = Writer(core.store, core.committer, core.clock)
        self.app.state.core = core
        self.app.state.intake = self.intake
        self.app.state.consumer = self.consumer

    def _intake(self, core: Core) -> Intake | None:
        if self.parts.reactions is None:
            return None
        return Intake(core.store, core.store.vocabulary, self.parts.reactions(core), core.clock, core.name)

    def _consumer(self, settings: Settings) -> Consumer | None:
        if self.intake is None:
            return None
        group = group_of(self.name, settings.topic_prefix)
        return Consumer(self.intake, settings.topics, settings.broker, group)

    async def start(self) -> None:
        """Begin to work. The database is migrated and the topics exist; whoever starts services sees to that."""
        with work_of(self.name):
            await self.core.restore_clock()
            self.core.committer.start()
            self.relay.start()
            for run in self._runs:
                run.start()
            if self.consumer:
                self.consumer.start()
            log.info("started")

    async def stop(self) -> None:
        """Finish what is in hand: the batch that is being consumed, jobs, the commands that wait, then the relay."""
        if self.consumer:
            await self.consumer.stop()
        for run in reversed(self._runs):
            await run.stop()
        await self.core.committer.stop()
        await self.relay.stop()
        await self.core.engine.dispose()
        with work_of(self.name):
            log.info("stopped")

    def rebuild(self, report: Report) -> Rebuild:
        """A rebuild of this service's read models, ready to run, beside whatever instances of it are at work."""
        core, parts = self.core, self.parts
        sources = parts.rebuilt_from(core) if parts.rebuilt_from else [OwnEvents(core.store, parts.projections)]
        return Rebuild(core.settings.database(self.name), parts.read_models, sources, report)

    async def ready(self) -> None:
        """Raises what keeps this service from answering."""
        async with self.core.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))


def _core(parts: Parts, settings: Settings) -> Core:
    engine = connect(settings.database(parts.name), pool_size=settings.pool_size)
    store = EventStore(
        engine=engine,
        vocabulary=PUBLIC | OPERATED | TIMED | parts.vocabulary,
        partitions=settings.partitions,
        projections=parts.projections,
        unique_faults=parts.unique_faults,
    )
    secrets = settings.secrets()
    return Core(
        name=parts.name,
        settings=settings,
        engine=engine,
        store=store,
        clock=MovableClock() if settings.movable_clock else SystemClock(),
        committer=Committer(store),
        keys=secrets.keys(),
        seal=secrets.seal(),
        shelf=Shelf(engine, parts.shelf) if parts.shelf is not None else None,
    )
