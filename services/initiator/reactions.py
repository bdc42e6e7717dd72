"""The initiator consumes only the law book. It keeps a complete copy in order; the topic is never parked."""

from collections.abc import Sequence

from shared.contracts.event import Topic
from shared.messaging.message import Message
from shared.messaging.reaction import Batch, Reactions
from shared.runtime.core import Core


def reactions(core: Core) -> Reactions:
    async def react(batch: Batch, messages: Sequence[Message]) -> None:
        await core.lawbook.keep(batch.connection, messages)

    return Reactions((Topic.LAWBOOK,), react, never_parked=frozenset({Topic.LAWBOOK}))
