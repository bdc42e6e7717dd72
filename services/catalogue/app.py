"""The definition of the catalogue service. It consumes no topic."""

from functools import partial
from pathlib import Path

from services.catalogue.api import router
from services.catalogue.api.access import current_book
from services.catalogue.domain.events import VOCABULARY
from services.catalogue.schema import METADATA
from services.catalogue.views import drafts, items
from shared.service import ServiceDefinition

DEFINITION = ServiceDefinition(
    name="catalogue",
    metadata=METADATA,
    vocabulary=VOCABULARY,
    lawbook=lambda core: partial(current_book, core),
    projections=(items.project, drafts.project),
    routers=(router,),
    wording=(Path(__file__).with_name("wording.yaml"),),
    read_models=(items.ITEMS, items.ITEM_DOMAINS, drafts.DRAFTS, drafts.DRAFT_PIECES),
)
