"""Puts the executor together."""

from pathlib import Path

from fastapi import FastAPI

from services.executor.api import router
from services.executor.domain.events import VOCABULARY
from services.executor.reactions import reactions
from services.executor.views import checks, directions, tasks
from services.executor.views.schema import LAWBOOK, METADATA
from shared.service import Core, Parts, Service
from shared.settings import Settings
from shared.web.application import application

WORDING = Path(__file__).with_name("wording.yaml")


def build(settings: Settings) -> Service:
    parts = Parts(
        name="executor",
        metadata=METADATA,
        vocabulary=VOCABULARY,
        projections=(directions.project, tasks.project, checks.project),
        application=_application,
        read_models=(directions.DIRECTIONS, tasks.TASKS, checks.CHECKS),
        shelf=LAWBOOK,
        reactions=reactions,
    )
    return Service(parts, settings)


def _application(core: Core) -> FastAPI:
    app = application("executor", wording=[WORDING])
    app.include_router(router)
    return app
