"""What the initiator decides: by which rules an entry is judged, the life of an entry up to its publication, and of an import.

Pure: time, law book and officer come in as arguments.
"""

from services.initiator.domain.entry import EntryDrafted, EntryReturned, EntryRevised, EntrySubmitted
from services.initiator.domain.imports import (
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
