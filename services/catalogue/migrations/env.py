"""Alembic's way into the catalogue's database."""

from services.catalogue.views import drafts, items
from services.catalogue.views.schema import METADATA
from shared.migration import run

assert items.ITEMS.metadata is METADATA
assert drafts.DRAFTS.metadata is METADATA
run(METADATA)
