"""The vocabulary of domain tests: `given(AGGREGATE, *events).when(command).then(*events)`.

    given(ENTRY, drafted).when(Submit(LISTER, BOOK)).then(submitted)
    given(ENTRY).having(adopt, objection).when(revoke).then_rejected(("wrong_step", None))

No fixture, no server. A test that must look closer reads `.events` or `.state`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from shared.contracts.event import Event
from shared.decider import Decider
from shared.rejection import Rejected

S = TypeVar("S")
C = TypeVar("C")

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
"""A Monday, twelve o'clock in Shanghai."""

ExpectedFault = str | tuple[str, str | None]
"""A fault code, or the code and the field."""


def given(aggregate: Decider[S, C], *history: Event, now: datetime = NOON) -> "Given[S, C]":
    """The aggregate after these events. Commands are decided at `now`."""
    return Given(aggregate, _folded(aggregate, aggregate.initial, history), now)


@dataclass(frozen=True)
class Given(Generic[S, C]):
    """An aggregate in a state."""

    aggregate: Decider[S, C]
    state: S
    now: datetime

    def having(self, *commands: C, now: datetime | None = None) -> "Given[S, C]":
        """The aggregate after these commands, each of which must be accepted."""
        at = self.now if now is None else now
        state = self.state
        for command in commands:
            state = _folded(self.aggregate, state, self.aggregate.decide(state, command, at))
        return replace(self, state=state)

    def at(self, now: datetime) -> "Given[S, C]":
        """The same aggregate at another time."""
        return replace(self, now=now)

    def when(self, command: C, now: datetime | None = None) -> "Outcome[S, C]":
        """Decide. A refusal is kept for `then_rejected`."""
        try:
            events = self.aggregate.decide(self.state, command, self.now if now is None else now)
        except Rejected as rejected:
            return Outcome(self, (), rejected)
        return Outcome(self, tuple(events), None)


@dataclass(frozen=True)
class Outcome(Generic[S, C]):
    """What a command led to: events, or a refusal."""

    given: Given[S, C]
    decided: Sequence[Event]
    rejected: Rejected | None

    @property
    def events(self) -> list[Event]:
        """The decided events. Raises the refusal."""
        if self.rejected is not None:
            raise self.rejected
        return list(self.decided)

    @property
    def state(self) -> S:
        """The state after the decided events."""
        return self.next.state

    @property
    def next(self) -> Given[S, C]:
        """The aggregate after the decided events, for the next command."""
        return replace(self.given, state=_folded(self.given.aggregate, self.given.state, self.events))

    @property
    def faults(self) -> list[tuple[str, str | None]]:
        """Code and field of every fault of the refusal. Fails when the command was accepted."""
        assert self.rejected is not None, f"accepted: {self.decided}"
        return [(fault.code, fault.field) for fault in self.rejected.faults]

    def then(self, *events: Event) -> Given[S, C]:
        """Exactly these events were decided."""
        assert self.events == list(events)
        return self.next

    def then_types(self, *types: type[Event]) -> Given[S, C]:
        """Events of exactly these types were decided."""
        assert [type(event) for event in self.events] == list(types)
        return self.next

    def then_nothing(self) -> Given[S, C]:
        """The command was accepted and changed nothing."""
        return self.then()

    def then_rejected(self, *expected: ExpectedFault, **facts: Any) -> None:
        """The command was refused with exactly these faults. `facts`: of the only fault."""
        assert _comparable(self.faults, expected) == list(expected)
        if facts:
            assert self.rejected is not None
            [fault] = self.rejected.faults
            assert {name: fault.facts.get(name) for name in facts} == facts


def _folded(aggregate: Decider[S, C], state: S, events: Iterable[Event]) -> S:
    for event in events:
        state = aggregate.evolve(state, event)
    return state


def _comparable(
    found: Sequence[tuple[str, str | None]], expected: Sequence[ExpectedFault]
) -> list[str | tuple[str, str | None]]:
    """The faults in the form of the expectation: the code alone where only a code is expected."""
    codes_only = [isinstance(one, str) for one in expected]
    padded = codes_only + [False] * (len(found) - len(codes_only))
    return [fault[0] if code_only else fault for fault, code_only in zip(found, padded, strict=False)]
