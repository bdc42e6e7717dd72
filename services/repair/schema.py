"""The tables in the database of repair."""

from shared.eventstore.schema import service_metadata
from shared.runtime.lawbook_copy import lawbook_table

METADATA = service_metadata()
LAWBOOK = lawbook_table(METADATA)
