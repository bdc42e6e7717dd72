"""Repair over HTTP: acts on entries, cases, and the history of an entry. Every path begins with `/v1`."""

from fastapi import APIRouter

from services.repair.api import acts, cases, decisions, entries

router = APIRouter(prefix="/v1")
router.include_router(acts.router)
router.include_router(cases.router)
router.include_router(decisions.router)
router.include_router(entries.router)
