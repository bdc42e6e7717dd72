"""The HTTP routes of the registry, one file for each subject. Request and response bodies are in `bodies`."""

from services.registry.api import (
    clean_record,
    conflicts,
    downloads,
    exits,
    lists,
    policies,
    public_search,
    readings,
    rehearsals,
    resolution,
    resolving,
    subjects,
)
from shared.web.routing import Router

router = Router()
# Downloads come before lists: `/lists/{domain_id}/{kind}` also matches `/lists/{domain_id}/{kind}.csv`.
for module in (
    subjects,
    clean_record,
    readings,
    downloads,
    exits,
    lists,
    public_search,
    conflicts,
    policies,
    resolution,
    rehearsals,
    resolving,
):
    router.include_router(module.router)
