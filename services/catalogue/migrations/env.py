"""The Alembic environment of the database of the catalogue."""

from services.catalogue.schema import METADATA
from services.catalogue.views import drafts, items
from shared.database.migration import run

assert items.ITEMS.metadata is METADATA
assert drafts.DRAFTS.metadata is METADATA
run(METADATA)
