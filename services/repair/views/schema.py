"""The tables in the database of repair."""

from shared.eventstore.schema import service_metadata
from shared.lawbook.shelf import shelf_table

METADATA = service_metadata()
LAWBOOK = shelf_table(METADATA)
