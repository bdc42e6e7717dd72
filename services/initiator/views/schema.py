"""The tables of the initiator, on one metadata with those of the engine."""

from shared.eventstore.schema import service_metadata
from shared.lawbook.shelf import shelf_table

METADATA = service_metadata()
LAWBOOK = shelf_table(METADATA)
