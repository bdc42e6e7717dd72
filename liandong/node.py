"""The node: every service in one process, behind one address, exactly as the containers run them.

Each service is started by the same `Service.start`, on its own database; services communicate over Kafka and HTTP only. The
node adds what operators and the gateway do elsewhere: it creates and migrates databases, creates topics, and routes by prefix.
"""

import asyncio
import importlib
from collections.abc import Sequence
from typing import cast

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from shared.database.migration import create_database, migrate
from shared.runtime.settings import Settings
from shared.service import Service, ServiceDefinition

SERVICES = ("catalogue", "initiator", "registry", "executor", "feedback", "repair")


def build(name: str, settings: Settings) -> Service:
    """One service, not started."""
    module = importlib.import_module(f"services.{name}.app")
    return Service(cast("ServiceDefinition", module.DEFINITION), settings)


async def prepare(settings: Settings, names: Sequence[str] = SERVICES) -> None:
    """Create topics, databases and tables, which must exist before a service starts. Idempotent."""
    await settings.topics.ensure(settings.broker)
    for name in names:
        await create_database(settings.database(name))
        await migrate(name, settings.database(name))


class Node:
    """All services together."""

    def __init__(self, settings: Settings, names: Sequence[str] = SERVICES) -> None:
        self.services = {name: build(name, settings) for name in names}
        self.app = _gateway({name: service.app for name, service in self.services.items()})

    async def start(self) -> None:
        for service in self.services.values():
            await service.start()

    async def stop(self) -> None:
        """Stop all services; each finishes its current requests and batch."""
        await asyncio.gather(*(service.stop() for service in self.services.values()))


def _gateway(apps: dict[str, FastAPI]) -> Starlette:
    """One host, one path prefix per service: the same paths as behind the gateway of docker compose."""

    async def index(request: Request) -> JSONResponse:
        base = str(request.base_url)
        return JSONResponse(
            {name: {"docs": f"{base}{name}/docs", "openapi": f"{base}{name}/openapi.json"} for name in apps}
        )

    async def alive(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    mounts = [Mount(f"/{name}", app) for name, app in apps.items()]
    return Starlette(routes=[Route("/", index), Route("/healthz", alive), *mounts])
