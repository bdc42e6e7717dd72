"""The tables of the registry: the engine's, its copy of the law book, and the tables of its stores and views."""

from shared.eventstore.schema import service_metadata
from shared.runtime.lawbook_copy import lawbook_table

METADATA = service_metadata()
LAWBOOK = lawbook_table(METADATA)
