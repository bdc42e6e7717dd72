"""Feedback over HTTP: obligations, the ledger of an entry, and counts. There are no writes."""

from fastapi import APIRouter

from services.feedback.api import closures, obligations, statistics

router = APIRouter(prefix="/v1")
for part in (obligations, closures, statistics):
    router.include_router(part.router)
