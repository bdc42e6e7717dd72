"""One step of an import: the file is checked, or its good rows are published."""

from collections.abc import Sequence

from services.initiator.domain.commands import RefuseFile
from services.initiator.domain.imports import IMPORT, Checking, Publishing
from services.initiator.jobs.batches import service_session
from services.initiator.jobs.checking import CheckStep
from services.initiator.jobs.publishing import PublishStep
from services.initiator.stores import import_work
from services.initiator.stores.import_work import Step, Superseded, Work
from shared.eventstore import Metadata, Session
from shared.rejection import Fault, Rejected
from shared.runtime.core import Core


async def run_step(core: Core, import_id: str, batch_rows: int) -> None:
    """Run the due step to its end. `batch_rows`: rows a transaction. Raises Superseded when no step is due any more."""
    async with core.engine.connect() as connection:
        work = await import_work.read_work(connection, import_id)
        session = Session(core.store, core.clock.now(), Metadata(actor=""), connection)
        state = await session.state(IMPORT, import_id)
    if work is None:
        raise Superseded(import_id)
    match work.step, state:
        case Step.CHECKING, Checking():
            await _check(core, work, CheckStep(core, import_id, batch_rows, state.department))
        case Step.PUBLISHING, Publishing():
            await PublishStep(core, import_id, batch_rows, state).run(work)
        case _:
            raise Superseded(import_id)


async def _check(core: Core, work: Work, step: CheckStep) -> None:
    """A file that cannot be read is refused where the check stopped."""
    try:
        await step.run(work)
    except Rejected as rejected:
        await refuse_file(core, work.import_id, rejected.faults, step.work)


async def give_up(core: Core, import_id: str, tries: int) -> None:
    """Refuse an import whose work failed this often without progress. Rows that are published stay published."""
    async with core.engine.connect() as connection:
        work = await import_work.read_work(connection, import_id)
    if work is None:
        raise Superseded(import_id)
    published = work.published if work.step is Step.PUBLISHING else None
    await refuse_file(core, import_id, [Fault("import_failed", "file", {"tries": tries})], work, published)


async def refuse_file(
    core: Core,
    import_id: str,
    faults: Sequence[Fault],
    expected: Work | None = None,
    published: int | None = None,
) -> None:
    """Refuse a file as a whole, and delete it. Raises Superseded when its progress is not the expected one."""
    async with core.engine.begin() as connection:
        if expected is not None:
            await import_work.lock_work(connection, expected)
        session = service_session(core, import_id, connection)
        await session.do(IMPORT, import_id, RefuseFile(tuple(faults), published))
        await core.store.write(connection, [session.change()])
        await import_work.close_work(connection, import_id)
    core.store.committed()
