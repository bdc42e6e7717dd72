"""States that this process has folded before, so that a stream is read from there on and not from its beginning.

A remembered state is only ever a shorter way: each load still asks the database how the stream stands, and takes what was
appended since. The event that was last is named by its id; where the database has another one there, or none (it was
restored from a backup, or a standby took over), the state is forgotten and the stream read whole. What a transaction that
failed had decided is never remembered.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, NamedTuple

from shared.contracts.event import Event

KEPT = 8_192
"""Streams. A state is some kilobytes at most."""


class Known(NamedTuple):
    """The state of a stream after an event of it. States are immutable: they are shared."""

    state: Any
    version: int
    event_id: str


class Past(NamedTuple):
    """One event of a stream; without the event, when only its id was asked for."""

    version: int
    event_id: str
    event: Event | None


History = dict[str, list[Past]]
"""Stream → what it holds, in order of version."""


class States:
    """The states that were needed last."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._known: OrderedDict[str, Known] = OrderedDict()

    def get(self, stream: str) -> Known | None:
        if known := self._known.get(stream):
            self._known.move_to_end(stream)
        return known

    def keep(self, found: Iterable[tuple[str, Known]]) -> None:
        """Remember states that are committed."""
        known, most = self._known, self._most
        for stream, state in found:
            before = known.pop(stream, None)
            known[stream] = state if before is None or before.version < state.version else before
        while len(known) > most:
            known.popitem(last=False)

    def forget(self, stream: str) -> None:
        self._known.pop(stream, None)
