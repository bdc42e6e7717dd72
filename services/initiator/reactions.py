"""The initiator consumes the law book only, and keeps it: complete, in order, never parked."""

from collections.abc import Sequence

from shared.contracts.event import Topic
from shared.messaging.message import Message
from shared.messaging.reaction import Batch, Reactions
from shared.runtime.core import Core


def reactions(core: Core) -> Reactions:
    async def react(batch: Batch, messages: Sequence[Message]) -> None:
        await core.lawbook.keep(batch.connection, messages)

    return Reactions((Topic.LAWBOOK,), react, never_parked=frozenset({Topic.LAWBOOK}))
