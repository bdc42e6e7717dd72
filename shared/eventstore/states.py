"""A cache of folded states, so that a stream is read from its last known event on and not from its beginning.

The cache only saves time; the database is always right (docs/decisions/0007). Each load asks the database for the stream and
applies what was appended since. A cached state carries the id of its last event. If the database has another event at that
version, or none (it was restored from a backup, or a standby took over), the state is dropped and the stream is read from its
beginning. States decided in a transaction that failed are never cached.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, NamedTuple

from shared.contracts.event import Event

CAPACITY = 8_192
"""Streams. A state takes some kilobytes at most."""


class CachedState(NamedTuple):
    """The state of a stream after the event with this version and id. States are immutable, so they are shared."""

    state: Any
    version: int
    event_id: str


class PastEvent(NamedTuple):
    """One event of a stream; `event` is None when only its id was requested."""

    version: int
    event_id: str
    event: Event | None


History = dict[str, list[PastEvent]]
"""Stream → its events, in order of version."""


class StateCache:
    """The most recently used states."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._cached: OrderedDict[str, CachedState] = OrderedDict()

    def get(self, stream: str) -> CachedState | None:
        if cached := self._cached.get(stream):
            self._cached.move_to_end(stream)
        return cached

    def put(self, states: Iterable[tuple[str, CachedState]]) -> None:
        """Cache committed states; an older version never replaces a newer one."""
        cached, capacity = self._cached, self._capacity
        for stream, state in states:
            before = cached.pop(stream, None)
            cached[stream] = state if before is None or before.version < state.version else before
        while len(cached) > capacity:
            cached.popitem(last=False)

    def forget(self, stream: str) -> None:
        self._cached.pop(stream, None)
