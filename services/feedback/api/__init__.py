"""Feedback over HTTP: obligations, the ledger of an entry, conflicts, and counts. There are no writes."""

from fastapi import APIRouter

from services.feedback.api import closures, conflicts, obligations, statistics

router = APIRouter(prefix="/v1")
for part in (obligations, closures, conflicts, statistics):
    router.include_router(part.router)
