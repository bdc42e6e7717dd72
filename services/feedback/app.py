"""The definition of the feedback service. It keeps no copy of the law book."""

from pathlib import Path

from services.feedback.api import router
from services.feedback.domain.events import VOCABULARY
from services.feedback.jobs.overdue import OverdueSweep
from services.feedback.reactions import reactions
from services.feedback.schema import LAWBOOK, METADATA
from services.feedback.stores.rebuild import sources
from services.feedback.views import conclusions, ledger, measures
from shared.service import ServiceDefinition

DEFINITION = ServiceDefinition(
    name="feedback",
    metadata=METADATA,
    vocabulary=VOCABULARY,
    projections=(conclusions.project,),
    routers=(router,),
    wording=(Path(__file__).with_name("wording.yaml"),),
    lawbook_table=LAWBOOK,
    reactions=reactions,
    jobs=lambda core: (OverdueSweep(core),),
    read_models=(ledger.ENTRIES, ledger.LINES, measures.MEASURES),
    rebuilt_from=sources,
)
