"""Puts repair together."""

from pathlib import Path

from fastapi import FastAPI

from services.repair.api import router
from services.repair.events import VOCABULARY
from services.repair.handlers import expiry
from services.repair.reactions import reactions
from services.repair.views import acts, cases, entries
from services.repair.views.schema import LAWBOOK, METADATA
from shared.service import Core, Parts, Service
from shared.settings import Settings
from shared.web.application import application

WORDING = Path(__file__).with_name("wording.yaml")


def build(settings: Settings) -> Service:
    parts = Parts(
        name="repair",
        metadata=METADATA,
        vocabulary=VOCABULARY,
        projections=(entries.project, cases.project, acts.project),
        application=_application,
        read_models=(entries.ENTRIES, cases.CASES, acts.ACTS),
        shelf=LAWBOOK,
        reactions=reactions,
        timers=expiry,
        timers_over=frozenset({"entry_has_left_the_list"}),
    )
    return Service(parts, settings)


def _application(core: Core) -> FastAPI:
    del core
    app = application("repair", wording=[WORDING])
    app.include_router(router)
    return app
