"""Feedback over HTTP: obligations, the ledger of an entry, conflicts, and counts. There are no writes."""

from services.feedback.api import closures, conflicts, obligations, statistics
from shared.web.routing import Router

router = Router(prefix="/v1")
for part in (obligations, closures, conflicts, statistics):
    router.include_router(part.router)
