"""The private events of this service."""

from typing import ClassVar

from shared.contracts.event import EntryId, Event
from shared.contracts.vocabulary import Vocabulary


class LoopReopened(Event):
    """A closed loop is open again: the end of the entry was ordered again, or an effect was reported late."""

    TYPE: ClassVar[str] = "feedback.loop_reopened.v1"
    entry_id: EntryId


VOCABULARY = Vocabulary([LoopReopened])
