"""The Alembic environment of the database of feedback."""

from services.feedback.schema import METADATA
from services.feedback.stores import received
from services.feedback.views import ledger, measures
from shared.database.migration import run

# The imports above register the tables in METADATA.
assert ledger.LINES.metadata is METADATA
assert measures.MEASURES.metadata is METADATA
assert received.RECEIVED.metadata is METADATA
run(METADATA)
