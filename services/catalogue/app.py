"""Puts the catalogue together."""

from pathlib import Path

from fastapi import FastAPI

from services.catalogue.api import router
from services.catalogue.domain.drafts import PRIVATE_EVENTS
from services.catalogue.views import drafts, items
from services.catalogue.views.schema import METADATA
from shared.contracts.vocabulary import Vocabulary
from shared.service import Core, Parts, Service
from shared.settings import Settings
from shared.web.application import application

WORDING = Path(__file__).with_name("wording.yaml")


def build(settings: Settings) -> Service:
    """The catalogue. What enters the book is public, drafts are not; it consumes nothing."""
    parts = Parts(
        name="catalogue",
        metadata=METADATA,
        vocabulary=Vocabulary(PRIVATE_EVENTS),
        projections=(items.project, drafts.project),
        application=_application,
        read_models=(items.ITEMS, items.ITEM_DOMAINS, drafts.DRAFTS, drafts.DRAFT_PIECES),
    )
    return Service(parts, settings)


def _application(core: Core) -> FastAPI:
    del core
    app = application("catalogue", wording=[WORDING])
    app.include_router(router)
    return app
