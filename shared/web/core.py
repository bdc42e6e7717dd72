"""The FastAPI dependency that gives a route the shared dependencies of its service."""

from typing import Annotated, cast

from fastapi import Depends, Request

from shared.runtime.core import Core


def _core(request: Request) -> Core:
    return cast("Core", request.app.state.core)


CoreDep = Annotated[Core, Depends(_core)]
