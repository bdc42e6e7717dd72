"""List events for tests, as initiator and repair publish them under the shipped law book."""

from datetime import date, timedelta

from services.catalogue.files.shipped import shipped
from shared.calendar.working_days import today
from shared.contracts.event import DepartmentId
from shared.contracts.lawbook import ListKind
from shared.contracts.listing import (
    Cause,
    Entry,
    EntryPublished,
    EntryResumed,
    EntryRevoked,
    EntrySuspended,
    ResponsiblePerson,
    Subject,
    Suspends,
)
from shared.ids import new_event_id
from tests import builders
from tests.harness import World

COURT = DepartmentId("luoyang-court")
VERSION = shipped().changes()[-1].lawbook_version


def an_entry(
    subject: Subject,
    *,
    domain: str = "judgment-defaulters",
    kind: ListKind = ListKind.BLACK,
    grade: str | None = None,
    responsible: tuple[ResponsiblePerson, ...] = (),
    decided_on: date = date(2018, 3, 1),
) -> Entry:
    """A public entry of the court of Luoyang with a new id, for a term until March 2030."""
    return builders.an_entry(
        new_event_id(),
        list_kind=kind,
        domain_id=domain,
        grade=grade,
        subject=subject,
        responsible=responsible,
        initiated_by=COURT,
        decision=builders.a_decision(decided_by=COURT, decided_on=decided_on),
        term_from=decided_on,
        term_to=date(2030, 3, 1),
    )


def recently(w: World, days: int = 30) -> date:
    """A day so many days ago, by the clock of the services: publicity counts from the decision."""
    service = next(iter(w.services.values()))
    return today(service.core.clock.now()) - timedelta(days=days)


def published(entry: Entry) -> EntryPublished:
    return EntryPublished(entry_id=entry.entry_id, subject=entry.subject.key, lawbook_version=VERSION, entry=entry)


def revoked(entry: Entry) -> EntryRevoked:
    return EntryRevoked(
        entry_id=entry.entry_id,
        subject=entry.subject.key,
        lawbook_version=VERSION,
        cause=Cause.ERROR,
        reason="认定有误",
        document_number="示例〔2018〕2号",
    )


def suspended(entry: Entry, case_id: str, *what: Suspends) -> EntrySuspended:
    """Suspends measures unless given."""
    return EntrySuspended(
        entry_id=entry.entry_id,
        subject=entry.subject.key,
        lawbook_version=VERSION,
        case_id=case_id,
        reason="异议核实",
        suspends=what or (Suspends.MEASURES,),
    )


def resumed(entry: Entry, case_id: str) -> EntryResumed:
    return EntryResumed(
        entry_id=entry.entry_id,
        subject=entry.subject.key,
        lawbook_version=VERSION,
        case_id=case_id,
        reason="异议不成立",
    )
