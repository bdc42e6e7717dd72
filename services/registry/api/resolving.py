"""The runs in which entries in force are resolved again after a change of the law."""

from typing import Annotated

from fastapi import Query

from services.registry.api.access import Overseer
from services.registry.api.bodies.rehearsals import RunBody, RunList
from services.registry.stores import runs
from services.registry.views import in_force
from shared.web.core import CoreDep
from shared.web.routing import Router

router = Router(prefix="/v1")


@router.get("/resolving")
async def resolving(core: CoreDep, who: Overseer, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> RunList:
    """How far the entries in force are resolved by the present law."""
    async with core.store.reading.connect() as connection:
        rows = await runs.latest(connection, limit)
        total = await in_force.count(connection)
    return RunList(items=[RunBody.model_validate(dict(row._mapping)) for row in rows], of_subjects=total)
