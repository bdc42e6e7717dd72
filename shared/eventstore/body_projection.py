"""Projections that fold stored event bodies of some types only, so that a rebuild neither reads nor decodes other events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.event import Event
from shared.eventstore.changes import Recorded


class StoredBody(NamedTuple):
    """A stored event: its type, and its body in JSON."""

    type: str
    body: str


class ProjectBodies(Protocol):
    """A function that updates a read model from stored bodies."""

    async def __call__(self, connection: AsyncConnection, stored: Sequence[StoredBody], /) -> None: ...


@dataclass(frozen=True)
class BodyProjection:
    """A projection that gets only the bodies of `types`: live (called like any Projection) and in a rebuild (`fold`)."""

    project: ProjectBodies
    types: frozenset[str]

    async def __call__(self, connection: AsyncConnection, events: Sequence[Recorded], /) -> None:
        if wanted := [StoredBody(kind, event.body) for event in events if (kind := event.event.TYPE) in self.types]:
            await self.project(connection, wanted)

    async def fold(self, connection: AsyncConnection, stored: Sequence[StoredBody]) -> None:
        if wanted := [body for body in stored if body.type in self.types]:
            await self.project(connection, wanted)


def project_bodies(*types: type[Event]) -> Callable[[ProjectBodies], BodyProjection]:
    """Decorator: project the bodies of these event types. Bodies are not validated, because these types have written them."""
    return lambda project: BodyProjection(project, frozenset(kind.TYPE for kind in types))
