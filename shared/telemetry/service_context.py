"""The service whose code is running. A node runs every service in one process, and each log line and span names its service."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_service: ContextVar[str] = ContextVar("service", default="")


def current_service() -> str:
    """The name of the running service; empty outside of any service."""
    return _service.get()


@contextmanager
def as_service(name: str) -> Generator[None]:
    """The code of the block, and the tasks that it starts, run as this service."""
    token = _service.set(name)
    try:
        yield
    finally:
        _service.reset(token)
