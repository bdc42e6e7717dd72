"""Puts the registry together."""

from pathlib import Path

from fastapi import FastAPI

from services.registry.api.routes import router
from services.registry.domain.events import VOCABULARY
from services.registry.reactions import reactions
from services.registry.views import entries
from services.registry.views.schema import LAWBOOK, METADATA
from shared.service import Core, Parts, Service
from shared.settings import Settings
from shared.web.application import application

WORDING = Path(__file__).with_name("wording.yaml")


def build(settings: Settings) -> Service:
    parts = Parts(
        name="registry",
        metadata=METADATA,
        vocabulary=VOCABULARY,
        projections=(entries.project,),
        application=_application,
        read_models=(entries.ENTRIES, entries.PEOPLE),
        shelf=LAWBOOK,
        reactions=reactions,
    )
    return Service(parts, settings)


def _application(core: Core) -> FastAPI:
    app = application("registry", wording=[WORDING])
    app.include_router(router)
    return app
