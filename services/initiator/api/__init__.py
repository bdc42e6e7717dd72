"""The initiator over HTTP: entries one by one, and imports of files."""

from services.initiator.api import entries, imports
from shared.web.routing import Router

router = Router(prefix="/v1")
router.include_router(entries.router)
router.include_router(imports.router)
