"""Alembic's way into the catalogue's database."""

from services.catalogue.schema import METADATA
from services.catalogue.views import drafts, items
from shared.database.migration import run

assert items.ITEMS.metadata is METADATA
assert drafts.DRAFTS.metadata is METADATA
run(METADATA)
