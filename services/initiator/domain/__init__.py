"""The decisions of the initiator: the life of an entry until its publication, and the life of an import.

Pure: time, law book and officer are arguments.
"""

from services.initiator.domain.events import (
    EntryDrafted,
    EntryReturned,
    EntryRevised,
    EntrySubmitted,
    ImportApproved,
    ImportChecked,
    ImportFinished,
    ImportReceived,
    ImportRefused,
)
from shared.contracts.vocabulary import Vocabulary

VOCABULARY = Vocabulary(
    (
        EntryDrafted,
        EntryRevised,
        EntrySubmitted,
        EntryReturned,
        ImportReceived,
        ImportChecked,
        ImportRefused,
        ImportApproved,
        ImportFinished,
    )
)
"""The private events of this service."""
