"""A service: its store, committer, relay, consumer, timers, law book copy and HTTP application, started in order.

Each `services/<name>/app.py` declares a `ServiceDefinition`. The node and the containers build and run services in the same way.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fastapi import APIRouter
from sqlalchemy import MetaData, Table, text

from shared.calendar.clock import MovableClock, SystemClock
from shared.calendar.working_days import use_notices
from shared.contracts.vocabulary import PUBLIC, Vocabulary
from shared.database import connect
from shared.eventstore import EventStore, Projection
from shared.eventstore.changes import UniqueFault
from shared.eventstore.committer import Committer
from shared.eventstore.rebuild import Rebuild, Report
from shared.eventstore.rebuild_sources import OwnEvents, Source
from shared.lawbook.book import LawBook
from shared.messaging.consumer import Consumer
from shared.messaging.intake import Intake
from shared.messaging.parking import OPERATOR_EVENTS
from shared.messaging.reaction import Reactions
from shared.messaging.relay import Relay
from shared.messaging.topics import group_of
from shared.runtime.core import Core
from shared.runtime.lawbook_copy import LawBookCopy
from shared.runtime.settings import Settings
from shared.telemetry.gauges import Scrape
from shared.telemetry.service_context import as_service
from shared.timers.failed import TIMER_EVENTS
from shared.timers.worker import Fire, Timers
from shared.trust import TokenVerifier
from shared.web.access import use_authority
from shared.web.application import Application, application
from shared.web.health import health, metrics
from shared.web.idempotency_retention import ExpiredAnswers
from shared.web.operations import router as operations
from shared.web.writing import WriteContext

log = logging.getLogger(__name__)


class Job(Protocol):
    """A background worker of a service."""

    def start(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass(frozen=True)
class ServiceDefinition:
    """Everything that differs between services."""

    name: str
    metadata: MetaData
    """The tables of its database."""
    vocabulary: Vocabulary
    """Its private events. Public events and events of operator actions are added."""
    projections: Sequence[Projection]
    routers: Sequence[APIRouter]
    wording: Sequence[Path]
    """Files with the texts of its fault codes."""
    lawbook_table: Table | None = None
    """The table of its copy of the law book, by which it decides who may do what."""
    lawbook: Callable[[Core], Callable[[], Awaitable[LawBook]]] | None = None
    """How it reads the law book, when it keeps no copy: the catalogue writes the book itself."""
    reactions: Callable[[Core], Reactions] | None = None
    timers: Callable[[Core], Fire] | None = None
    timer_done_codes: frozenset[str] = frozenset()
    """Fault codes of a timer's command that mean: the purpose of the timer is already achieved."""
    jobs: Callable[[Core], Sequence[Job]] | None = None
    unique_faults: Callable[[Core], Mapping[str, UniqueFault]] | None = None
    """Unique constraint → the fault that its violation means."""
    read_models: Sequence[Table] = ()
    """Tables that only projections write: they can be rebuilt."""
    rebuilt_from: Callable[[Core], Sequence[Source]] | None = None
    """Sources of a rebuild, when they are not the service's own events with its projections."""


class Service:
    """A service, ready to start. `app` is its HTTP application; relay, consumer and jobs run beside it."""

    def __init__(self, definition: ServiceDefinition, settings: Settings) -> None:
        self.name = definition.name
        self.definition = definition
        self.core = core = _core(definition, settings)
        self.relay = Relay(definition.name, core.engine, settings.topics, settings.broker)
        core.store.on_commit.append(self.relay.wake)
        self.intake = self._intake(core)
        self.consumer = self._consumer(settings)
        self._jobs: list[Job] = []
        if definition.timers:
            self._jobs.append(
                Timers(definition.name, core.store, core.clock, definition.timers(core), definition.timer_done_codes)
            )
        self._jobs.append(ExpiredAnswers(definition.name, core.engine, settings.answers_kept_days))
        if definition.jobs:
            self._jobs.extend(definition.jobs(core))
        self.app = self._application(settings)

    def _application(self, settings: Settings) -> Application:
        core, definition = self.core, self.definition
        app = application(definition.name, wording=definition.wording)
        current = definition.lawbook(core) if definition.lawbook else core.lawbook.current
        use_authority(app, TokenVerifier(settings.trust()), current, core.clock)
        for router in definition.routers:
            app.include_router(router)
        app.include_router(health({"database": self.ready}))
        app.include_router(metrics(Scrape(core, app.request_metrics, self.relay, self.consumer).text))
        app.include_router(operations)
        # Operators' routes go first: a path such as the catalogue's `/v1/{kind}/{item_id}` would match them.
        routes = app.router.routes
        routes.insert(0, routes.pop())
        app.state.write_context = WriteContext(core.store, core.committer, core.clock)
        app.state.core = core
        app.state.intake = self.intake
        app.state.consumer = self.consumer
        return app

    def _intake(self, core: Core) -> Intake | None:
        if self.definition.reactions is None:
            return None
        return Intake(core.store, core.store.vocabulary, self.definition.reactions(core), core.clock, core.name)

    def _consumer(self, settings: Settings) -> Consumer | None:
        if self.intake is None:
            return None
        group = group_of(self.name, settings.topic_prefix)
        return Consumer(self.intake, settings.topics, settings.broker, group)

    async def start(self) -> None:
        """Start all parts. The caller has migrated the database and created the topics."""
        with as_service(self.name):
            await self.core.restore_clock()
            self.core.committer.start()
            self.relay.start()
            for job in self._jobs:
                job.start()
            if self.consumer:
                self.consumer.start()
            log.info("started")

    async def stop(self) -> None:
        """Stop in order: the consumer after its batch, the jobs, the committer after the waiting commands, then the relay."""
        if self.consumer:
            await self.consumer.stop()
        for job in reversed(self._jobs):
            await job.stop()
        await self.core.committer.stop()
        await self.relay.stop()
        await self.core.engine.dispose()
        with as_service(self.name):
            log.info("stopped")

    def rebuild(self, report: Report) -> Rebuild:
        """A rebuild of this service's read models, ready to run. Instances of the service may keep running."""
        core, definition = self.core, self.definition
        sources = (
            definition.rebuilt_from(core)
            if definition.rebuilt_from
            else [OwnEvents(core.store, definition.projections)]
        )
        return Rebuild(core.settings.database(self.name), definition.read_models, sources, report)

    async def ready(self) -> None:
        """Readiness check. Raises the error of the database."""
        async with self.core.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))


def _core(definition: ServiceDefinition, settings: Settings) -> Core:
    use_notices(settings.holiday_notices())
    engine = connect(settings.database(definition.name), pool_size=settings.pool_size)
    store = EventStore(
        engine=engine,
        vocabulary=PUBLIC | OPERATOR_EVENTS | TIMER_EVENTS | definition.vocabulary,
        partitions=settings.partitions,
        projections=definition.projections,
    )
    secrets = settings.secrets()
    core = Core(
        name=definition.name,
        settings=settings,
        engine=engine,
        store=store,
        clock=MovableClock() if settings.movable_clock else SystemClock(),
        committer=Committer(store),
        keys=secrets.keys(),
        seal=secrets.seal(),
        lawbook_copy=LawBookCopy(engine, definition.lawbook_table) if definition.lawbook_table is not None else None,
    )
    if definition.unique_faults:
        store.unique_faults = definition.unique_faults(core)
    return core
