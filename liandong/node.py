"""The node: every service in one process, behind one address, exactly as the containers run them.

Each service is started by the same `Service.start`, on its own database; they meet over Kafka and HTTP only. The node adds
what an operator does elsewhere: it creates databases and topics, migrates, and puts a prefix before each service.
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
    """Topics, databases and their tables: what has to exist before a service starts. Safe to repeat."""
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
        """End all services, each after what it has in hand."""
        await asyncio.gather(*(service.stop() for service in self.services.values()))


def _gateway(apps: dict[str, FastAPI]) -> Starlette:
    """One host, a prefix a service: the same paths as behind the gateway of docker compose."""

    async def index(request: Request) -> JSONResponse:
        base = str(request.base_url)
        return JSONResponse(
            {name: {"docs": f"{base}{name}/docs", "openapi": f"{base}{name}/openapi.json"} for name in apps}
        )

    async def alive(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    mounts = [Mount(f"/{name}", app) for name, app in apps.items()]
    return Starlette(routes=[Route("/", index), Route("/healthz", alive), *mounts])
