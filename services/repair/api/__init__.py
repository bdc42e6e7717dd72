"""Repair over HTTP: acts on entries, cases, and the history of an entry. Every path begins with `/v1`."""

from services.repair.api import acts, cases, decisions, entries
from shared.web.routing import Router

router = Router(prefix="/v1")
router.include_router(acts.router)
router.include_router(cases.router)
router.include_router(decisions.router)
router.include_router(entries.router)
