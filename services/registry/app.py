"""The definition of the registry service."""

from pathlib import Path

from services.registry.api import router
from services.registry.domain.events import VOCABULARY
from services.registry.jobs.rehearsals import RehearsalWorker
from services.registry.jobs.resolving import ResolveAgainWorker
from services.registry.reactions import reactions
from services.registry.schema import LAWBOOK, METADATA
from services.registry.views import entries, readings
from shared.service import ServiceDefinition

_HERE = Path(__file__).parent

DEFINITION = ServiceDefinition(
    name="registry",
    metadata=METADATA,
    vocabulary=VOCABULARY,
    projections=(entries.project, readings.project),
    routers=(router,),
    wording=(_HERE / "wording.yaml", _HERE / "policy_wording.yaml"),
    lawbook_table=LAWBOOK,
    reactions=reactions,
    jobs=lambda core: (ResolveAgainWorker(core), RehearsalWorker(core)),
    read_models=(entries.ENTRIES, entries.PEOPLE, readings.READINGS, readings.ENTRIES_READ),
)
