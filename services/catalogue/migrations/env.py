"""Alembic's way into the catalogue's database."""

from services.catalogue.views import items
from services.catalogue.views.schema import METADATA
from shared.migration import run

assert items.ITEMS.metadata is METADATA
run(METADATA)
