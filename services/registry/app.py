"""Puts the registry together."""

from pathlib import Path

from fastapi import FastAPI

from services.registry.api.clean_record import router as clean_record
from services.registry.api.policies import router as policies
from services.registry.api.rehearsals import router as rehearsals
from services.registry.api.resolution import router as resolution
from services.registry.api.routes import router
from services.registry.domain.events import VOCABULARY
from services.registry.reactions import reactions
from services.registry.rehearsing import Rehearsals
from services.registry.resolving import ResolveAgainJob
from services.registry.views import entries
from services.registry.views.schema import LAWBOOK, METADATA
from shared.service import Core, Parts, Service
from shared.settings import Settings
from shared.web.application import application

WORDING = Path(__file__).with_name("wording.yaml")
POLICY_WORDING = Path(__file__).with_name("policy_wording.yaml")


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
        jobs=lambda core: (ResolveAgainJob(core), Rehearsals(core)),
    )
    return Service(parts, settings)


def _application(core: Core) -> FastAPI:
    app = application("registry", wording=[WORDING, POLICY_WORDING])
    app.include_router(router)
    app.include_router(resolution)
    app.include_router(policies)
    app.include_router(clean_record)
    app.include_router(rehearsals)
    return app
