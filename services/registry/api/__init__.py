"""The HTTP routes of the registry, one file for each subject. Request and response bodies are in `bodies`."""

from fastapi import APIRouter

from services.registry.api import (
    clean_record,
    downloads,
    exits,
    lists,
    policies,
    public_search,
    rehearsals,
    resolution,
    resolving,
    subjects,
)

router = APIRouter()
# Downloads come before lists: `/lists/{domain_id}/{kind}` also matches `/lists/{domain_id}/{kind}.csv`.
for module in (
    subjects,
    clean_record,
    downloads,
    exits,
    lists,
    public_search,
    policies,
    resolution,
    rehearsals,
    resolving,
):
    router.include_router(module.router)
