"""A unit of work: loads streams, runs deciders, and collects what is to be written.

It writes nothing itself. Its `change()` goes to the committer (commands) or is written in the caller's transaction (reactions).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, cast

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.event import Event
from shared.decider import Decider
from shared.eventstore.changes import Append, Change, Metadata, NewEvent, StoredResponse, Timer, Write
from shared.eventstore.states import CachedState, History, PastEvent
from shared.eventstore.store import EventStore
from shared.ids import new_event_id
from shared.rejection import reject

S = TypeVar("S")
C = TypeVar("C")


@dataclass(slots=True)
class _Aggregate:
    state: Any
    version: int
    loaded_version: int
    event_id: str = ""
    """The id of its last event; empty before the first one."""
    new: list[NewEvent] = field(default_factory=list[NewEvent])


@dataclass
class Session:
    """One unit of work at the instant `now`, caused by `metadata`."""

    store: EventStore
    now: datetime
    metadata: Metadata
    connection: AsyncConnection | None = None
    """The transaction to read in; None: each load takes a connection of the pool."""
    _aggregates: dict[str, _Aggregate] = field(default_factory=dict[str, _Aggregate])
    _timers: list[Timer] = field(default_factory=list[Timer])
    _cancelled: list[str] = field(default_factory=list[str])
    _writes: list[Write] = field(default_factory=list[Write])

    async def load(self, decider: Decider[S, C], ids: Iterable[str]) -> None:
        """Load many aggregates in one round trip; those loaded before stay as they are."""
        # Sorted: sessions that append to the same streams do so in the same order, and do not deadlock.
        missing = sorted({stream for i in ids if (stream := decider.stream(i)) not in self._aggregates})
        if not missing:
            return
        cached = {stream: self.store.states.get(stream) for stream in missing}
        loaded = await self._history({stream: state.version if state else 0 for stream, state in cached.items()})
        stale = [stream for stream, state in cached.items() if state and not _continues(state, loaded.get(stream))]
        if stale:
            loaded |= await self._history(dict.fromkeys(stale, 0))
            for stream in stale:
                self.store.states.forget(stream)
                cached[stream] = None
        for stream in missing:
            self._aggregates[stream] = _folded(decider, cached[stream], loaded.get(stream, ()))

    async def _history(self, streams: Mapping[str, int]) -> History:
        if self.connection is not None:
            return await self.store.history(self.connection, streams)
        return await self.store.loader.load(streams)

    def fresh(self, decider: Decider[S, C], aggregate_id: str) -> None:
        """Begin an aggregate under a new id, without loading. If the id is already in use, the append fails."""
        self._aggregates.setdefault(decider.stream(aggregate_id), _Aggregate(decider.initial, 0, 0))

    async def state(self, decider: Decider[S, C], aggregate_id: str) -> S:
        """The current state, including what this session has decided."""
        await self.load(decider, [aggregate_id])
        return cast("S", self._aggregates[decider.stream(aggregate_id)].state)

    async def version(self, decider: Decider[S, C], aggregate_id: str) -> int:
        """How many events the aggregate has, including those of this session; 0 when it does not exist."""
        await self.load(decider, [aggregate_id])
        return self._aggregates[decider.stream(aggregate_id)].version

    async def expect(self, decider: Decider[S, C], aggregate_id: str, expected: int | None) -> None:
        """Raise `stale_version` (409) when the version that the caller has read is not the current one."""
        current = await self.version(decider, aggregate_id)
        if expected is not None and expected != current:
            raise reject("stale_version", expected=expected, current=current)

    async def do(self, decider: Decider[S, C], aggregate_id: str, command: C) -> Sequence[Event]:
        """Decide, and keep the events for `change()`. Raises Rejected; then nothing is added."""
        await self.load(decider, [aggregate_id])
        return self.do_loaded(decider, aggregate_id, command)

    def do_loaded(self, decider: Decider[S, C], aggregate_id: str, command: C) -> Sequence[Event]:
        """Like `do`, for an aggregate that was loaded before."""
        aggregate = self._aggregates[decider.stream(aggregate_id)]
        events = decider.decide(aggregate.state, command, self.now)
        for event in events:
            aggregate.state = decider.evolve(aggregate.state, event)
            aggregate.version += 1
            aggregate.event_id = new_event_id()
            aggregate.new.append(NewEvent(event, aggregate.event_id, self.metadata))
        return events

    def schedule(self, timer_id: str, due_at: datetime, **payload: Any) -> None:
        """Set a timer. Scheduling the same id again moves it."""
        self._timers.append(Timer(timer_id, due_at, payload))

    def cancel(self, timer_id: str) -> None:
        self._timers = [timer for timer in self._timers if timer.timer_id != timer_id]
        self._cancelled.append(timer_id)

    def also(self, write: Write) -> None:
        """Write something else in the same transaction."""
        self._writes.append(write)

    def change(self, response: StoredResponse | None = None) -> Change:
        """Everything that is to be written."""
        appends = tuple(
            Append(stream, aggregate.loaded_version, tuple(aggregate.new), self.now)
            for stream, aggregate in self._aggregates.items()
            if aggregate.new
        )
        states = tuple(
            (stream, CachedState(aggregate.state, aggregate.version, aggregate.event_id))
            for stream, aggregate in self._aggregates.items()
            if aggregate.version
        )
        return Change(appends, tuple(self._timers), tuple(self._cancelled), tuple(self._writes), response, states)


def _continues(cached: CachedState, loaded: Sequence[PastEvent] | None) -> bool:
    """True when the stream still has the last event of the cached state, at the same version."""
    return bool(loaded) and any(past.version == cached.version and past.event_id == cached.event_id for past in loaded)


def _folded(decider: Decider[S, C], cached: CachedState | None, loaded: Sequence[PastEvent]) -> _Aggregate:
    """Apply the loaded events to the cached state, or to the initial one."""
    state, version, event_id = cached or CachedState(decider.initial, 0, "")
    for past in loaded:
        if past.version > version and past.event is not None:
            state, version, event_id = decider.evolve(state, past.event), past.version, past.event_id
    return _Aggregate(state, version, version, event_id)
