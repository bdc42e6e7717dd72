"""The tables of the initiator, on one metadata with those of the engine."""

from shared.eventstore.schema import service_metadata
from shared.runtime.lawbook_copy import lawbook_table

METADATA = service_metadata()
LAWBOOK = lawbook_table(METADATA)
