"""Whose work is being done: a node runs every service in one process, and each line and span says of which it is."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_service: ContextVar[str] = ContextVar("service", default="")


def service() -> str:
    """The service that is at work here; empty outside of any."""
    return _service.get()


@contextmanager
def work_of(name: str) -> Generator[None]:
    """What is done in the block, and by the tasks that begin in it, is this service's work."""
    before = _service.set(name)
    try:
        yield
    finally:
        _service.reset(before)
