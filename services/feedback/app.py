"""Puts feedback together."""

from pathlib import Path

from fastapi import FastAPI

from services.feedback.api import router
from services.feedback.domain.loop import VOCABULARY
from services.feedback.overdue import OverdueSweep
from services.feedback.reactions import reactions
from services.feedback.rebuild import sources
from services.feedback.views import conclusions, ledger, measures
from services.feedback.views.schema import METADATA
from shared.service import Core, Parts, Service
from shared.settings import Settings
from shared.web.application import application

WORDING = Path(__file__).with_name("wording.yaml")


def build(settings: Settings) -> Service:
    """Feedback: it follows the lists, the responses and what was executed, and keeps no law book."""
    parts = Parts(
        name="feedback",
        metadata=METADATA,
        vocabulary=VOCABULARY,
        projections=(conclusions.project,),
        application=_application,
        read_models=(ledger.ENTRIES, ledger.LINES, measures.MEASURES),
        rebuilt_from=sources,
        reactions=reactions,
        jobs=lambda core: (OverdueSweep(core),),
    )
    return Service(parts, settings)


def _application(core: Core) -> FastAPI:
    del core
    app = application("feedback", wording=[WORDING])
    app.include_router(router)
    return app
