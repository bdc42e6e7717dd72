"""What the executor does with consumed events: each order of the registry becomes an event of its response, in order, in
the transaction of the batch.

The law book comes first. An order that was given under a version which is not read yet waits, and its partition with it, so
that a punishment is never applied under an older law book than the one under which it was directed.
"""

from collections.abc import Sequence
from datetime import datetime

from services.executor.domain.orders import Order
from services.executor.domain.response import RESPONSE
from services.executor.stores import reading_progress
from shared.contracts.event import Topic
from shared.contracts.response import ResponseRefused, Settled
from shared.eventstore.partitions import partition_of
from shared.messaging.message import Message
from shared.messaging.reaction import Batch, Reactions
from shared.runtime.core import Core

IGNORED = (ResponseRefused, Settled)
"""Events that need no task: a refused measure is not executed, and feedback keeps the ledger."""


def reactions(core: Core) -> Reactions:
    served = frozenset(name for part in core.settings.departments.split(",") if (name := part.strip()))

    async def react(batch: Batch, messages: Sequence[Message]) -> None:
        if messages[0].topic == Topic.LAWBOOK:
            await core.lawbook.keep(batch.connection, messages)
        else:
            await _take_orders(core, served, batch, messages)

    return Reactions((Topic.LAWBOOK, Topic.RESPONSE), react, never_parked=frozenset({Topic.LAWBOOK}))


async def _take_orders(core: Core, served: frozenset[str], batch: Batch, messages: Sequence[Message]) -> None:
    """Take the orders to the departments that this executor serves. An empty `served` means all departments."""
    partition = partition_of(messages[0].key, core.store.partitions)
    as_of = max(datetime.fromisoformat(message.envelope.time) for message in messages)
    await reading_progress.record(batch.connection, partition, as_of)
    orders = [(m, order) for m in messages if (order := _order(m)) and (not served or order.department in served)]
    if not orders:
        return
    await core.lawbook.at_least(batch.connection, max(order.lawbook_version for _, order in orders))
    await batch.session.load(RESPONSE, sorted({order.response_id for _, order in orders}))
    for message, order in orders:
        batch.because_of(message)
        batch.session.do_loaded(RESPONSE, order.response_id, order)


def _order(message: Message) -> Order | None:
    """The order, or None for an ignored event. Raises TypeError, which parks the event, for any other type."""
    if isinstance(message.event, IGNORED):
        return None
    if isinstance(message.event, Order):
        return message.event
    raise TypeError(f"{message.event.TYPE} is not expected on {message.topic}")
