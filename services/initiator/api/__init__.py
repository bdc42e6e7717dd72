"""The initiator over HTTP: entries one by one, and imports of files."""

from fastapi import APIRouter

from services.initiator.api import entries, imports

router = APIRouter(prefix="/v1")
router.include_router(entries.router)
router.include_router(imports.router)
