"""A law book, officers and inputs of entries for the domain tests of the initiator."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from services.initiator.domain.commands import Officer
from services.initiator.domain.entry_input import EntryInput, SubjectInput, keys_of_input, sealed_entry
from shared.contracts.event import DepartmentId, DomainId, EntryId
from shared.contracts.lawbook import (
    Grade,
    ListKind,
)
from shared.contracts.listing import Decision, Entry
from shared.identity import SubjectKeys
from shared.lawbook.book import LawBook
from shared.lawbook.entry_rules import entry_faults
from shared.lawbook.items import Item
from tests.builders import a_book, a_decision, a_department, a_domain, the_regions
from tests.policies import a_policy
from tests.subjects import INVENTED

NOW = datetime(2024, 6, 3, 2, 0, tzinfo=UTC)
TODAY = date(2024, 6, 3)
KEYS = SubjectKeys(b"k" * 32)
COURT = DepartmentId("example-court")
SAFETY = DepartmentId("example-safety")
OFFICE = DepartmentId("example-office")

LISTER = Officer("lister", SAFETY)
OTHER_LISTER = Officer("second-lister", SAFETY)
APPROVER = Officer("approver", SAFETY)


def the_items(**policy: Any) -> list[Item]:
    """Work safety lists with grades; judgments are listed by the court and published by an office. A bank lists nowhere."""
    grades = (Grade(code="graver", name_zh="较重", name_en="Graver"),)
    return [
        *the_regions(),
        *(a_department(department) for department in (COURT, SAFETY, OFFICE)),
        a_department("example-bank", kind="bank"),
        a_domain("safety", grades=grades, may_list=(SAFETY,)),
        a_domain("judgments", lists=(ListKind.BLACK,), may_list=(COURT,), may_publish=(OFFICE,)),
        a_policy(effective_from=date(2020, 1, 1), **policy),
    ]


def the_book(**policy: Any) -> LawBook:
    return a_book(the_items(**policy))


BOOK = the_book()
SOUND = EntryInput(
    list_kind=ListKind.BLACK,
    domain_id=DomainId("safety"),
    grade="graver",
    subject=SubjectInput("uscc", INVENTED.company(1).credit_code, INVENTED.company(1).name),
    responsible=(),
    initiated_by=SAFETY,
    decision=a_decision(decided_by=SAFETY, decided_on=date(2024, 5, 20), act_ended_on=date(2024, 4, 1)),
    notice=None,
    jurisdiction="410300",
    term_from=date(2024, 5, 20),
    term_to=date(2026, 5, 19),
    public=True,
    able_but_unwilling=False,
)


def but(**changes: Any) -> EntryInput:
    """The sound input with changes; those of the decision by their own names."""
    of_decision = {name: changes.pop(name) for name in list(changes) if name in Decision.model_fields}
    return replace(SOUND, decision=SOUND.decision.model_copy(update=of_decision), **changes)


def faults_of(given: EntryInput, book: LawBook = BOOK) -> list[tuple[str, str | None]]:
    """All faults of an input, as it is judged when it is sent."""
    _, of_subjects = keys_of_input(given, KEYS)
    return [(fault.code, fault.field) for fault in (*entry_faults(given, book, TODAY), *of_subjects)]


def the_entry(given: EntryInput = SOUND) -> Entry:
    keys, faults = keys_of_input(given, KEYS)
    assert keys is not None, faults
    return sealed_entry(given, keys, EntryId("entry"), lambda text: "sealed")
