"""The MetaData of the initiator's tables, together with the engine's tables and the copy of the law book."""

from shared.eventstore.schema import service_metadata
from shared.runtime.lawbook_copy import lawbook_table

METADATA = service_metadata()
LAWBOOK = lawbook_table(METADATA)
