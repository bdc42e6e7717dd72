"""The decider: an aggregate as two pure functions.

A decision depends on the state, the command and the given time, and on nothing else. Deciders do no I/O, so their tests need no
server.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from shared.contracts.event import Event

S = TypeVar("S")
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Decider(Generic[S, C]):
    """An aggregate: `decide(state, command, now) -> events` and `evolve(state, event) -> state`, both pure.

    `decide` raises `Rejected` when it rejects the command. `now` is an instant with a time zone. `initial` is the state
    before the first event. A stream is named `<category>-<aggregate id>`.
    """

    category: str
    initial: S
    decide: Callable[[S, C, datetime], Sequence[Event]]
    evolve: Callable[[S, Event], S]

    def stream(self, aggregate_id: str) -> str:
        return f"{self.category}-{aggregate_id}"
