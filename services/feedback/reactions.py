"""What feedback does with consumed events: it stores them, folds them into its ledger, and publishes when a loop closes.

All event types take the same way, because the ledger accepts them in any order between topics; domain/ledger.py says what
each one changes. Other events (an amended term, a refusal of the basis gate) are stored and change nothing.
"""

from collections.abc import Iterator, Sequence

from services.feedback.domain.entry import EntryState, LedgerEntry
from services.feedback.domain.ledger import Ledger
from services.feedback.domain.loop import LOOP, Close, Reopen
from services.feedback.stores import received
from services.feedback.views import ledger
from shared.contracts.event import EntryId, Topic
from shared.messaging.message import Message
from shared.messaging.reaction import Batch, Reactions
from shared.runtime.core import Core


def reactions(core: Core) -> Reactions:
    """The law book is kept to decide who may read the ledger; the ledger itself does not depend on it."""

    async def react(batch: Batch, messages: Sequence[Message]) -> None:
        changes = [message for message in messages if message.topic == Topic.LAWBOOK]
        if changes:
            await core.lawbook.keep(batch.connection, changes)
        if ledger_messages := [message for message in messages if message.topic != Topic.LAWBOOK]:
            await keep_ledger(batch, ledger_messages)

    topics = (Topic.LAWBOOK, Topic.LIST, Topic.RESPONSE, Topic.EXECUTION)
    return Reactions(topics, react, never_parked=frozenset({Topic.LAWBOOK}))


async def keep_ledger(batch: Batch, messages: Sequence[Message]) -> None:
    """Store the messages of one partition, fold the new ones into the ledger, and publish the loops that changed."""
    new = await received.store(batch.connection, messages)
    if events := received.ledger_events(new):
        before, after = await ledger.project(batch.connection, events)
        await _publish_loops(batch, new, before, after)


async def _publish_loops(batch: Batch, messages: Sequence[Message], before: Ledger, after: Ledger) -> None:
    """Publish every loop that closed or is open again. Its cause is the last message about its entry."""
    changed = list(_changed_loops(before, after))
    if not changed:
        return
    causes = {getattr(message.event, "entry_id", None): message for message in messages}
    await batch.session.load(LOOP, [entry.entry_id for entry in changed])
    for entry in changed:
        if cause := causes.get(entry.entry_id):
            batch.because_of(cause)
        batch.session.do_loaded(LOOP, entry.entry_id, _command(entry))


def _changed_loops(before: Ledger, after: Ledger) -> Iterator[LedgerEntry]:
    for entry_id, entry in after.entries.items():
        if (entry.state is EntryState.CLOSED) != _was_closed(before, entry_id):
            yield entry


def _was_closed(before: Ledger, entry_id: EntryId) -> bool:
    entry = before.entries.get(entry_id)
    return entry is not None and entry.state is EntryState.CLOSED


def _command(entry: LedgerEntry) -> Close | Reopen:
    if entry.state is EntryState.CLOSED and entry.subject is not None:
        return Close(entry.entry_id, entry.subject, entry.tally.directed)
    return Reopen(entry.entry_id)
