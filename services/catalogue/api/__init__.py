"""The catalogue over HTTP: the credit office drafts, a second officer publishes, everyone with a token reads."""

from fastapi import APIRouter

from services.catalogue.api import calendar, comparing, confirming, drafting, drafts, files, reading, resolved

router = APIRouter(prefix="/v1")
# Those that read any kind come last: their `/{kind}/{item_id}` would take the others' addresses.
for part in (calendar, drafts, files, confirming, resolved, comparing, drafting, reading):
    router.include_router(part.router)
