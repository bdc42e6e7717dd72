"""What the registry records on a request over HTTP: a rehearsal is started (N6), a natural person is read (row 25)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils import uuid7

from services.registry.domain.draft import draft_faults, in_order
from services.registry.domain.reading import (
    READING,
    Asked,
    EntryRead,
    Limit,
    Limits,
    PersonRead,
    Purpose,
    ReadingRefused,
    RecordReading,
    RecordRefusal,
)
from services.registry.settings import ReadingSettings
from services.registry.stores import reading_locks, rehearsals
from services.registry.views import readings
from shared.calendar.working_days import today
from shared.contracts.event import DepartmentId, SubjectKey
from shared.eventstore import Metadata, Session
from shared.lawbook.items import Item
from shared.rejection import reject, reject_all
from shared.runtime.core import Core
from shared.trust import OfficerRole

T = TypeVar("T")


async def start_rehearsal(core: Core, session: Session, by: str, mode: str, items: Sequence[Item]) -> dict[str, Any]:
    """Store a rehearsal of a draft; a job runs it. Returns its row. Raises Rejected with every fault of the draft.

    `by`: the account of the officer. Nothing of the draft is published.
    """
    book = await core.lawbook.current()
    ordered = in_order(items)
    reject_all(draft_faults(book, ordered))
    row = rehearsals.new(by, session.now, mode, ordered, book.version, today(session.now))

    async def insert(connection: AsyncConnection) -> None:
        await rehearsals.insert_new(connection, row)

    session.also(insert)
    return row


@dataclass(frozen=True, slots=True)
class Reading:
    """Who asks about a natural person, for what purpose, and what."""

    account: str
    department: DepartmentId
    region: str
    roles: tuple[OfficerRole, ...]
    purpose: Purpose
    business_number: str
    subject: SubjectKey
    asked: Asked
    effective_at: date
    known_at: datetime | None = None
    history: bool = False

    def recorded(self, now: datetime, entries: Sequence[EntryRead]) -> RecordReading:
        asked = {"effective_at": self.effective_at, "known_at": self.known_at, "history": self.history}
        return RecordReading(PersonRead.model_validate({**self._facts(now), **asked, "entries": tuple(entries)}))

    def refused(self, now: datetime, limit: Limit) -> ReadingRefused:
        return ReadingRefused.model_validate({**self._facts(now), "limit": limit})

    def _facts(self, now: datetime) -> dict[str, object]:
        return {
            "reading_id": str(uuid7()),
            "read_at": now,
            "account": self.account,
            "department": self.department,
            "region": self.region,
            "roles": self.roles,
            "purpose": self.purpose,
            "business_number": self.business_number,
            "subject": self.subject,
            "asked": self.asked,
        }


Find = Callable[[AsyncConnection], Awaitable[tuple[T, Sequence[EntryRead]]]]
"""Finds the answer, and the entries that it shows."""


async def read_person(core: Core, metadata: Metadata, reading: Reading, find: Find[T]) -> T:
    """Find the answer, and record the reading before the answer is returned: one transaction. A failure returns no answer.

    Raises Rejected: `reading_limit_reached`, and as `decide` in domain/reading.py.
    """
    settings, now = ReadingSettings(), core.clock.now()
    limits = Limits(settings.persons_an_hour, settings.persons_an_hour_of_department)
    found: tuple[T, Sequence[EntryRead]] | None = None
    async with core.engine.begin() as connection:
        await reading_locks.lock(connection, reading.department)
        account, department, told = await readings.recent(
            connection, reading.department, reading.account, reading.subject, now
        )
        reached = limits.reached(account, department)
        if reached is None:
            found = await find(connection)
            command = reading.recorded(now, found[1])
        else:
            command = RecordRefusal(reading.refused(now, reached.limit), told)
        session = Session(core.store, now, metadata, connection)
        session.fresh(READING, command.event.reading_id)
        session.do_loaded(READING, command.event.reading_id, command)
        change = session.change()
        await core.store.write(connection, [change])
    core.store.committed([change])
    if found is None:
        assert reached is not None
        raise reject("reading_limit_reached", limit=reached.limit, most=reached.most, retry_after=reached.seconds(now))
    return found[0]
