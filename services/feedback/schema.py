"""The tables of feedback: the engine's, and its own."""

from shared.eventstore.schema import service_metadata

METADATA = service_metadata()
