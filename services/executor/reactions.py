"""What the executor does about the registry's orders: each becomes an event of its own response, in order, in one batch.

The law book comes first: an order that was given by a version which is not read yet waits, and its partition with it, so
that a punishment is never applied by an older book than the one by which it was directed.
"""

from collections.abc import Sequence
from datetime import datetime

from services.executor.domain.response import Order
from services.executor.handlers import RESPONSES
from services.executor.views import knowledge
from shared.contracts.event import Topic
from shared.contracts.response import ResponseRefused, Settled
from shared.eventstore.partitions import partition_of
from shared.messaging.message import Message
from shared.messaging.reaction import Batch, Reactions
from shared.runtime.core import Core

PASSED_OVER = (ResponseRefused, Settled)
"""Of no concern here: nobody executes what was refused, and feedback keeps the ledger."""


def reactions(core: Core) -> Reactions:
    served = frozenset(name for part in core.settings.departments.split(",") if (name := part.strip()))

    async def react(batch: Batch, messages: Sequence[Message]) -> None:
        if messages[0].topic == Topic.LAWBOOK:
            await core.lawbook.keep(batch.connection, messages)
        else:
            await _follow(core, served, batch, messages)

    return Reactions((Topic.LAWBOOK, Topic.RESPONSE), react, never_parked=frozenset({Topic.LAWBOOK}))


async def _follow(core: Core, served: frozenset[str], batch: Batch, messages: Sequence[Message]) -> None:
    """Follow the orders to the departments that this executor serves (all of them, when its settings name none)."""
    partition = partition_of(messages[0].key, core.store.partitions)
    as_of = max(datetime.fromisoformat(message.envelope.time) for message in messages)
    await knowledge.read_up_to(batch.connection, partition, as_of)
    orders = [(m, order) for m in messages if (order := _order(m)) and (not served or order.department in served)]
    if not orders:
        return
    await core.lawbook.at_least(batch.connection, max(order.lawbook_version for _, order in orders))
    await batch.session.load(RESPONSES, sorted({order.response_id for _, order in orders}))
    for message, order in orders:
        batch.because_of(message)
        batch.session.do_loaded(RESPONSES, order.response_id, order)


def _order(message: Message) -> Order | None:
    """Raises TypeError, which parks, for an event that this service should know and does not."""
    if isinstance(message.event, PASSED_OVER):
        return None
    if isinstance(message.event, Order):
        return message.event
    raise TypeError(f"{message.event.TYPE} is not expected on {message.topic}")
