"""What repair does about the events of others: it keeps the law book, and takes over each entry that is published."""

from collections.abc import Sequence
from typing import cast

from services.repair.commands import Adopt
from services.repair.events import PublishedChange
from services.repair.handlers import ENTRIES, follow_term
from shared.contracts.event import Topic
from shared.contracts.listing import EntryPublished
from shared.messaging.message import Message
from shared.messaging.reaction import Batch, Reactions
from shared.runtime.core import Core


def reactions(core: Core) -> Reactions:
    async def react(batch: Batch, messages: Sequence[Message]) -> None:
        of_lawbook = [message for message in messages if message.topic == Topic.LAWBOOK]
        if of_lawbook:
            await core.lawbook.keep(batch.connection, of_lawbook)
        published = [message for message in messages if isinstance(message.event, EntryPublished)]
        if published:
            await _take_over(core, batch, published)
        unforeseen = {type(m.event).__name__ for m in messages if m.topic != Topic.LAWBOOK} - _FORESEEN
        if unforeseen:
            raise NotImplementedError(f"repair does not know what to do about {sorted(unforeseen)}")

    return Reactions((Topic.LAWBOOK, Topic.LIST), react, never_parked=frozenset({Topic.LAWBOOK}))


_FORESEEN = frozenset({EntryPublished.__name__, *(change.__name__ for change in PublishedChange.__args__)})
"""Of the topic `liandong.list`; all but the publication are this service's own and passed over."""


async def _take_over(core: Core, batch: Batch, messages: Sequence[Message]) -> None:
    """From now on repair writes the entry. It waits for the law book that the publication was judged by.

    Two reads and one append, whatever the number of messages.
    """
    published = [(message, cast("EntryPublished", message.event)) for message in messages]
    await core.lawbook.at_least(batch.connection, max(event.lawbook_version for _, event in published))
    session = batch.session
    await session.load(ENTRIES, [event.entry_id for _, event in published])
    for message, event in published:
        batch.because_of(message)
        command = Adopt(event.entry, event.lawbook_version, message.envelope.event_id)
        if session.do_loaded(ENTRIES, event.entry_id, command):
            follow_term(session, event.entry_id, await session.state(ENTRIES, event.entry_id))
