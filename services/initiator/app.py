"""Puts the initiator together."""

from pathlib import Path

from fastapi import FastAPI

from services.initiator.api import router
from services.initiator.domain import VOCABULARY
from services.initiator.imports.job import ImportWorkers
from services.initiator.reactions import reactions
from services.initiator.settings import ImportSettings
from services.initiator.views import entries, imports
from services.initiator.views.schema import LAWBOOK, METADATA
from shared.rebuild import OwnEvents
from shared.service import Core, Parts, Service
from shared.settings import Settings
from shared.web.application import application

WORDING = Path(__file__).with_name("wording.yaml")


def build(settings: Settings) -> Service:
    of_imports = ImportSettings()

    def app(core: Core) -> FastAPI:
        made = application("initiator", wording=[WORDING])
        made.state.import_settings = of_imports
        made.include_router(router)
        return made

    parts = Parts(
        name="initiator",
        metadata=METADATA,
        vocabulary=VOCABULARY,
        projections=(entries.project, imports.project),
        application=app,
        shelf=LAWBOOK,
        reactions=reactions,
        jobs=lambda core: [ImportWorkers(core, of_imports)],
        unique_faults=entries.UNIQUE_FAULTS,
        read_models=(entries.ENTRIES,),  # the tables of imports are a job's work, not folded from events alone
        rebuilt_from=lambda core: [OwnEvents(core.store, (entries.project,))],
    )
    return Service(parts, settings)
