"""The HTTP routes of the registry, one file for each subject. Request and response bodies are in `bodies`."""

from fastapi import APIRouter

from services.registry.api import (
    clean_record,
    conflicts,
    lists,
    policies,
    readings,
    rehearsals,
    resolution,
    resolving,
    subjects,
)

router = APIRouter()
for module in (subjects, clean_record, readings, lists, conflicts, policies, resolution, rehearsals, resolving):
    router.include_router(module.router)
