"""The definition of the registry service."""

from pathlib import Path

from services.registry.api.clean_record import router as clean_record
from services.registry.api.policies import router as policies
from services.registry.api.rehearsals import router as rehearsals
from services.registry.api.resolution import router as resolution
from services.registry.api.routes import router
from services.registry.domain.events import VOCABULARY
from services.registry.reactions import reactions
from services.registry.rehearsing import Rehearsals
from services.registry.resolving import ResolveAgainJob
from services.registry.schema import LAWBOOK, METADATA
from services.registry.views import entries
from shared.service import ServiceDefinition

_HERE = Path(__file__).parent

DEFINITION = ServiceDefinition(
    name="registry",
    metadata=METADATA,
    vocabulary=VOCABULARY,
    projections=(entries.project,),
    routers=(router, resolution, policies, clean_record, rehearsals),
    wording=(_HERE / "wording.yaml", _HERE / "policy_wording.yaml"),
    lawbook_table=LAWBOOK,
    reactions=reactions,
    jobs=lambda core: (ResolveAgainJob(core), Rehearsals(core)),
    read_models=(entries.ENTRIES, entries.PEOPLE),
)
