"""The executor over HTTP: tasks with their answers, and checks with their outcomes."""

from services.executor.api import checks, tasks
from shared.web.routing import Router

router = Router(prefix="/v1")
router.include_router(tasks.router)
router.include_router(checks.router)
