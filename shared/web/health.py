"""Whether a service lives (`/healthz`), whether it can work now (`/readyz`), how it fares (`/metrics`): without a token.

For orchestrators and for those who watch. A gateway leads nobody to `/metrics` from outside.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from shared.rejection import reject

log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[object]]
"""Returns when all is well and raises when it is not; what it returns is of no account."""

PATIENCE = 3.0
"""Seconds after which a check that has not answered has failed."""


def health(ready: Mapping[str, Check] | None = None) -> APIRouter:
    """The two routes; `ready` names what this service cannot work without, such as its database."""
    router = APIRouter(tags=["health"])
    checks = dict(ready or {})

    @router.get("/healthz", summary="进程是否存活 / Does the process answer")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz", summary="能否提供服务 / Can the service do its work")
    async def readyz() -> dict[str, str]:
        held = await asyncio.gather(*(_holds(name, check) for name, check in checks.items()))
        failing = [name for name, holds in zip(checks, held, strict=True) if not holds]
        if failing:
            raise reject("not_ready", checks=failing)
        return {"status": "ready"}

    return router


def metrics(tell: Callable[[], Awaitable[bytes]]) -> APIRouter:
    """The route `/metrics`, which answers with what `tell` tells, in Prometheus's text form."""
    router = APIRouter(tags=["health"])

    @router.get("/metrics", summary="运行指标 / How the service fares", include_in_schema=False)
    async def how_it_fares() -> Response:
        return Response(await tell(), media_type=CONTENT_TYPE_LATEST)

    return router


async def _holds(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            await check()
    except Exception as error:
        log.warning("readiness check %s fails: %s", name, type(error).__name__, exc_info=error)
        return False
    return True
