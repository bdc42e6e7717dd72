"""The catalogue over HTTP: a credit office drafts, a second officer publishes, everyone reads."""

from services.catalogue.api import (
    comparing,
    confirming,
    drafts,
    exporting,
    filing,
    importing,
    reading,
    resolving,
    working_days,
)
from shared.web.routing import Router

router = Router(prefix="/v1")
# Routes for any kind come last: their `/{kind}/{item_id}` would also match the paths of the others.
for module in (working_days, drafts, importing, exporting, confirming, resolving, comparing, filing, reading):
    router.include_router(module.router)
