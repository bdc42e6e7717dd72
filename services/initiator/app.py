"""The definition of the initiator service."""

from pathlib import Path

from services.initiator.api import router
from services.initiator.domain.events import VOCABULARY
from services.initiator.handlers import unique_faults
from services.initiator.jobs.workers import ImportWorkers
from services.initiator.reactions import reactions
from services.initiator.schema import LAWBOOK, METADATA
from services.initiator.settings import ImportSettings
from services.initiator.views import entries, imports
from shared.eventstore.rebuild_sources import OwnEvents
from shared.service import ServiceDefinition

DEFINITION = ServiceDefinition(
    name="initiator",
    metadata=METADATA,
    vocabulary=VOCABULARY,
    projections=(entries.project, imports.project),
    routers=(router,),
    wording=(Path(__file__).with_name("wording.yaml"),),
    lawbook_table=LAWBOOK,
    reactions=reactions,
    jobs=lambda core: [ImportWorkers(core, ImportSettings())],
    unique_faults=unique_faults,
    # Imports are not rebuilt: the workers write their tables too, so events alone do not restore them.
    read_models=(entries.ENTRIES,),
    rebuilt_from=lambda core: [OwnEvents(core.store, (entries.project,))],
)
