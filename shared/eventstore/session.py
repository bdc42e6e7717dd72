"""A unit of work: it loads streams, lets deciders decide, and collects what is to be written.

It writes nothing itself. `change()` is handed to the committer (commands) or written in the caller's transaction (reactions).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, cast

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.event import Event
from shared.decider import Decider
from shared.eventstore.states import History, Known, Past
from shared.eventstore.store import (
    Append,
    Change,
    EventStore,
    Metadata,
    NewEvent,
    Remembered,
    Timer,
    Write,
    new_event_id,
)
from shared.rejection import reject

S = TypeVar("S")
C = TypeVar("C")


@dataclass(slots=True)
class _Held:
    state: Any
    version: int
    loaded_version: int
    event_id: str = ""
    """Of its last event; empty before there is any."""
    new: list[NewEvent] = field(default_factory=list[NewEvent])


@dataclass
class Session:
    """One unit of work at the instant `now`, caused by `metadata`."""

    store: EventStore
    now: datetime
    metadata: Metadata
    connection: AsyncConnection | None = None
    """The transaction in which to read; without one, each load takes a connection of the pool."""
    _held: dict[str, _Held] = field(default_factory=dict[str, _Held])
    _timers: list[Timer] = field(default_factory=list[Timer])
    _cancelled: list[str] = field(default_factory=list[str])
    _writes: list[Write] = field(default_factory=list[Write])

    async def load(self, decider: Decider[S, C], ids: Iterable[str]) -> None:
        """Load many aggregates in one round trip; those that are held already are left as they are."""
        # Sorted: sessions that append to the same streams do it in the same order, and do not deadlock.
        missing = sorted({stream for i in ids if (stream := decider.stream(i)) not in self._held})
        if not missing:
            return
        known = {stream: self.store.states.get(stream) for stream in missing}
        loaded = await self._history({stream: one.version if one else 0 for stream, one in known.items()})
        doubtful = [stream for stream, one in known.items() if one and not _continues(one, loaded.get(stream))]
        if doubtful:
            loaded |= await self._history(dict.fromkeys(doubtful, 0))
            for stream in doubtful:
                self.store.states.forget(stream)
                known[stream] = None
        for stream in missing:
            self._held[stream] = _folded(decider, known[stream], loaded.get(stream, ()))

    async def _history(self, streams: Mapping[str, int]) -> History:
        if self.connection is not None:
            return await self.store.history(self.connection, streams)
        return await self.store.loader.load(streams)

    def fresh(self, decider: Decider[S, C], aggregate_id: str) -> None:
        """Begin an aggregate under an id that was made just now: nothing is to be loaded. Were it not new, the append fails."""
        self._held.setdefault(decider.stream(aggregate_id), _Held(decider.initial, 0, 0))

    async def state(self, decider: Decider[S, C], aggregate_id: str) -> S:
        """The state now, with what this session has decided."""
        await self.load(decider, [aggregate_id])
        return cast("S", self._held[decider.stream(aggregate_id)].state)

    async def version(self, decider: Decider[S, C], aggregate_id: str) -> int:
        """How many events the aggregate has, with those of this session; 0 when it does not exist."""
        await self.load(decider, [aggregate_id])
        return self._held[decider.stream(aggregate_id)].version

    async def expect(self, decider: Decider[S, C], aggregate_id: str, expected: int | None) -> None:
        """Refuse with `stale_version` (409) when the caller has seen another version than the current one."""
        current = await self.version(decider, aggregate_id)
        if expected is not None and expected != current:
            raise reject("stale_version", expected=expected, current=current)

    async def do(self, decider: Decider[S, C], aggregate_id: str, command: C) -> Sequence[Event]:
        """Decide, and hold what was decided. Raises Rejected, and then holds nothing new."""
        await self.load(decider, [aggregate_id])
        return self.do_loaded(decider, aggregate_id, command)

    def do_loaded(self, decider: Decider[S, C], aggregate_id: str, command: C) -> Sequence[Event]:
        """As `do`, for an aggregate that `load` has loaded."""
        held = self._held[decider.stream(aggregate_id)]
        events = decider.decide(held.state, command, self.now)
        for event in events:
            held.state = decider.evolve(held.state, event)
            held.version += 1
            held.event_id = new_event_id()
            held.new.append(NewEvent(event, held.event_id, self.metadata))
        return events

    def schedule(self, timer_id: str, due_at: datetime, **payload: Any) -> None:
        """Do something at `due_at`; the same id again moves it."""
        self._timers.append(Timer(timer_id, due_at, payload))

    def cancel(self, timer_id: str) -> None:
        self._timers = [timer for timer in self._timers if timer.timer_id != timer_id]
        self._cancelled.append(timer_id)

    def also(self, write: Write) -> None:
        """Write something else in the same transaction."""
        self._writes.append(write)

    def change(self, remembered: Remembered | None = None) -> Change:
        """All that is to be written."""
        appends = tuple(
            Append(stream, held.loaded_version, tuple(held.new), self.now)
            for stream, held in self._held.items()
            if held.new
        )
        states = tuple(
            (stream, Known(held.state, held.version, held.event_id))
            for stream, held in self._held.items()
            if held.version
        )
        return Change(appends, tuple(self._timers), tuple(self._cancelled), tuple(self._writes), remembered, states)


def _continues(known: Known, loaded: Sequence[Past] | None) -> bool:
    """True when the stream holds the event that we knew as its last, where we knew it."""
    return bool(loaded) and any(one.version == known.version and one.event_id == known.event_id for one in loaded)


def _folded(decider: Decider[S, C], known: Known | None, loaded: Sequence[Past]) -> _Held:
    """The state after what was loaded, from the one that was known on."""
    state, version, event_id = known or Known(decider.initial, 0, "")
    for past in loaded:
        if past.version > version and past.event is not None:
            state, version, event_id = decider.evolve(state, past.event), past.version, past.event_id
    return _Held(state, version, version, event_id)
