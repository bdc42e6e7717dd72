"""The dependencies of routes on their service: the core, and the wording of its fault codes and terms."""

from typing import Annotated, cast

from fastapi import Depends, Request

from shared.runtime.core import Core
from shared.web.wording import Wording


def _core(request: Request) -> Core:
    return cast("Core", request.app.state.core)


def _wording(request: Request) -> Wording:
    return cast("Wording", request.app.state.wording)


CoreDep = Annotated[Core, Depends(_core)]
WordingDep = Annotated[Wording, Depends(_wording)]
