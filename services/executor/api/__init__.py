"""The executor over HTTP: tasks with their answers, and checks with their outcomes."""

from fastapi import APIRouter

from services.executor.api import checks, tasks

router = APIRouter(prefix="/v1")
router.include_router(tasks.router)
router.include_router(checks.router)
