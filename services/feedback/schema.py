"""The metadata of the tables of feedback: those of the engine. Views and stores add theirs."""

from shared.eventstore.schema import service_metadata

METADATA = service_metadata()
