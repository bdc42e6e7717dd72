"""Routes for orchestrators and monitoring, without a token: liveness (`/healthz`), readiness (`/readyz`), `/metrics`.

The gateway does not forward `/metrics` from outside.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from shared.rejection import reject
from shared.web.routing import Router

log = logging.getLogger(__name__)

Check = Callable[[], Awaitable[object]]
"""A readiness check. It fails by raising; its result is ignored."""

CHECK_TIMEOUT_SECONDS = 3.0
"""A check that takes longer has failed."""


def health(ready: Mapping[str, Check] | None = None) -> APIRouter:
    """The routes `/healthz` and `/readyz`. `ready`: what this service needs to work, such as its database."""
    router = Router(tags=["health"])
    checks = dict(ready or {})

    @router.get("/healthz", summary="进程是否存活 / Is the process alive")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz", summary="能否提供服务 / Can the service work")
    async def readyz() -> dict[str, str]:
        results = await asyncio.gather(*(_passes(name, check) for name, check in checks.items()))
        failing = [name for name, passes in zip(checks, results, strict=True) if not passes]
        if failing:
            raise reject("not_ready", checks=failing)
        return {"status": "ready"}

    return router


def metrics(render: Callable[[], Awaitable[bytes]]) -> APIRouter:
    """The route `/metrics`. `render` returns the metrics in Prometheus's text format."""
    router = Router(tags=["health"])

    @router.get("/metrics", summary="运行指标 / Metrics of the service", include_in_schema=False)
    async def prometheus_metrics() -> Response:
        return Response(await render(), media_type=CONTENT_TYPE_LATEST)

    return router


async def _passes(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            await check()
    except Exception as error:
        log.warning("readiness check %s fails: %s", name, type(error).__name__, exc_info=error)
        return False
    return True
