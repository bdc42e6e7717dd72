"""The definition of the repair service."""

from pathlib import Path

from services.repair.api import router
from services.repair.domain.events import VOCABULARY
from services.repair.jobs.expiry import expiry
from services.repair.reactions import reactions
from services.repair.schema import LAWBOOK, METADATA
from services.repair.views import acts, cases, decisions, entries
from shared.service import ServiceDefinition

DEFINITION = ServiceDefinition(
    name="repair",
    metadata=METADATA,
    vocabulary=VOCABULARY,
    projections=(entries.project, decisions.project, cases.project, acts.project),
    routers=(router,),
    wording=(Path(__file__).with_name("wording.yaml"),),
    lawbook_table=LAWBOOK,
    reactions=reactions,
    timers=expiry,
    timer_done_codes=frozenset({"entry_has_left_the_list"}),
    read_models=(entries.ENTRIES, decisions.DECISIONS, cases.CASES, acts.ACTS),
)
