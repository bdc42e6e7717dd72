"""The definition of the initiator service."""

from pathlib import Path

from services.initiator.api import router
from services.initiator.domain import VOCABULARY
from services.initiator.imports.job import ImportWorkers
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
    unique_faults=entries.UNIQUE_FAULTS,
    read_models=(
        entries.ENTRIES,
    ),  # the import worker writes the tables of imports: they are not only folded from events
    rebuilt_from=lambda core: [OwnEvents(core.store, (entries.project,))],
)
