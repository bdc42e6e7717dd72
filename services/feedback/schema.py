"""The metadata of the tables of feedback: those of the engine and the copy of the law book. Views and stores add theirs."""

from shared.eventstore.schema import service_metadata
from shared.runtime.lawbook_copy import lawbook_table

METADATA = service_metadata()
LAWBOOK = lawbook_table(METADATA)
