"""The tables in the database of the catalogue."""

from shared.eventstore.schema import service_metadata

METADATA = service_metadata()
