"""What feedback does about the events of others: it keeps them as they came, folds them into its ledger, and says when a
loop closes.

All event types go one way, because the ledger takes them in any order between topics: domain/ledger.py says what each
changes. What it does not name (an amended term, the refusals of the basis gate) is kept and changes nothing.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from services.feedback.domain.entry import EntryState, LedgerEntry
from services.feedback.domain.ledger import Heard, Ledger, fold
from services.feedback.domain.loop import Close, Reopen
from services.feedback.handlers import LOOP
from services.feedback.stores import received
from services.feedback.views import ledger, measures
from shared.contracts.event import EntryId, Topic
from shared.messaging.message import Message
from shared.messaging.reaction import Batch, Reactions
from shared.runtime.core import Core


def reactions(core: Core) -> Reactions:
    return Reactions((Topic.LIST, Topic.RESPONSE, Topic.EXECUTION), partial(follow, core))


async def follow(core: Core, batch: Batch, messages: Sequence[Message]) -> None:
    """Take messages of one partition into the ledger."""
    new = await received.keep(batch.connection, messages)
    if heard := received.heard(new):
        before, after = await take(batch, heard)
        await _conclude(batch, new, before, after)


async def take(batch: Batch, heard: Sequence[Heard]) -> tuple[Ledger, Ledger]:
    """Fold events into the tables; what they touched, before and after. A rebuild does the same."""
    before = await ledger.load(batch.connection, heard)
    after = fold(before, heard)
    await ledger.write(batch.connection, before, after)
    await measures.keep(batch.connection, heard)
    return before, after


async def _conclude(batch: Batch, messages: Sequence[Message], before: Ledger, after: Ledger) -> None:
    """Tell of every loop that closed, or is open again, with the last message that touched it as the cause."""
    turned = list(_turned(before, after))
    if not turned:
        return
    causes = {getattr(message.event, "entry_id", None): message for message in messages}
    await batch.session.load(LOOP, [entry.entry_id for entry in turned])
    for entry in turned:
        if cause := causes.get(entry.entry_id):
            batch.because_of(cause)
        batch.session.do_loaded(LOOP, entry.entry_id, _told(entry))


def _turned(before: Ledger, after: Ledger) -> Iterator[LedgerEntry]:
    for entry_id, entry in after.entries.items():
        if (entry.state is EntryState.CLOSED) != _was_closed(before, entry_id):
            yield entry


def _was_closed(before: Ledger, entry_id: EntryId) -> bool:
    entry = before.entries.get(entry_id)
    return entry is not None and entry.state is EntryState.CLOSED


def _told(entry: LedgerEntry) -> Close | Reopen:
    if entry.state is EntryState.CLOSED and entry.subject is not None:
        return Close(entry.entry_id, entry.subject, entry.tally.directed)
    return Reopen(entry.entry_id)
