"""How a route gets at what its service shares."""

from typing import Annotated, cast

from fastapi import Depends, Request

from shared.runtime.core import Core


def _core(request: Request) -> Core:
    return cast("Core", request.app.state.core)


TheCore = Annotated[Core, Depends(_core)]
