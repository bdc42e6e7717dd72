"""Repair over HTTP: acts on entries, cases, and what became of an entry. Everything under `/v1`."""

from fastapi import APIRouter

from services.repair.api import acts, cases, entries

router = APIRouter(prefix="/v1")
router.include_router(acts.router)
router.include_router(cases.router)
router.include_router(entries.router)
