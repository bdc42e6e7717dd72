"""The executor over HTTP."""

from services.executor.api.tasks import router

__all__ = ["router"]
