"""The definition of the executor service."""

from pathlib import Path

from services.executor.api import router
from services.executor.domain.events import VOCABULARY
from services.executor.reactions import reactions
from services.executor.schema import LAWBOOK, METADATA
from services.executor.views import checks, directions, tasks
from shared.service import ServiceDefinition

DEFINITION = ServiceDefinition(
    name="executor",
    metadata=METADATA,
    vocabulary=VOCABULARY,
    projections=(directions.project, tasks.project, checks.project),
    routers=(router,),
    wording=(Path(__file__).with_name("wording.yaml"),),
    lawbook_table=LAWBOOK,
    reactions=reactions,
    read_models=(directions.DIRECTIONS, tasks.TASKS, checks.CHECKS),
)
