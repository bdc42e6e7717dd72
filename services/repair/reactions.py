"""What repair does with events of others: it keeps a copy of the law book, and adopts each entry that is published."""

from collections.abc import Sequence
from typing import cast

from services.repair.domain.commands import Adopt
from services.repair.domain.entry import ENTRY
from services.repair.domain.events import PublishedChange
from services.repair.handlers.entry import schedule_expiry
from shared.contracts.event import Topic
from shared.contracts.listing import EntryPublished
from shared.messaging.message import Message
from shared.messaging.reaction import Batch, Reactions
from shared.runtime.core import Core


def reactions(core: Core) -> Reactions:
    """The reactions to the topics of the law book and of lists."""

    async def react(batch: Batch, messages: Sequence[Message]) -> None:
        lawbook_messages = [message for message in messages if message.topic == Topic.LAWBOOK]
        if lawbook_messages:
            await core.lawbook.keep(batch.connection, lawbook_messages)
        published = [message for message in messages if isinstance(message.event, EntryPublished)]
        if published:
            await _adopt(core, batch, published)
        unknown = {type(m.event).__name__ for m in messages if m.topic != Topic.LAWBOOK} - _LIST_EVENTS
        if unknown:
            raise NotImplementedError(f"repair has no reaction to {sorted(unknown)}")

    return Reactions((Topic.LAWBOOK, Topic.LIST), react, never_parked=frozenset({Topic.LAWBOOK}))


_LIST_EVENTS = frozenset({EntryPublished.__name__, *(change.__name__ for change in PublishedChange.__args__)})
"""The events of the topic `liandong.list`. All but the publication are published by this service and skipped here."""


async def _adopt(core: Core, batch: Batch, messages: Sequence[Message]) -> None:
    """Adopt the published entries: from now on repair is their writer.

    Waits for the law book version by which the publications were validated. Two reads and one append, whatever the number of
    messages.
    """
    published = [(message, cast("EntryPublished", message.event)) for message in messages]
    await core.lawbook.at_least(batch.connection, max(event.lawbook_version for _, event in published))
    session = batch.session
    await session.load(ENTRY, [event.entry_id for _, event in published])
    for message, event in published:
        batch.because_of(message)
        command = Adopt(event.entry, event.lawbook_version, message.envelope.event_id)
        if session.do_loaded(ENTRY, event.entry_id, command):
            schedule_expiry(session, event.entry_id, await session.state(ENTRY, event.entry_id))
