"""Bodies of checks and their outcomes."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from services.executor.api.bodies import LONGEST_TEXT, NOTE, Body
from services.executor.domain.check import RecordOutcome
from services.executor.domain.events import Barred, CheckMade, Hit, ListName, OutcomeRecorded
from services.executor.views.checks import StoredCheck
from shared.calendar.working_days import SHANGHAI
from shared.contracts.event import DepartmentId, DomainId, EntryId
from shared.contracts.lawbook import ListKind, SubjectKind
from shared.identity import kind_of
from shared.lawbook.book import LawBook
from shared.web.language import Language, language
from shared.web.subjects import ShownKey
from shared.web.wording import Wording


class QuestionSubject(Body):
    """The subject of a check. The number is sent in the body only, never in a URL, so that no log contains it."""

    scheme: str = Field(max_length=32)
    number: str = Field(max_length=64)


class QuestionBody(Body):
    """A check: what is due to a subject, before the department grants, approves, buys or inspects."""

    subject: QuestionSubject
    matter: str = Field(min_length=1, max_length=200, description="The matter (事项), by its code in the law book")


class OutcomeBody(Body):
    """What the department did about the hits of a check."""

    applied: bool = Field(description="Whether the measures of the hits were applied on this occasion")
    note: str = NOTE
    done_at: AwareDatetime | None = Field(default=None, description="When they were applied; without it: now")
    evidence: str = Field(
        default="",
        max_length=LONGEST_TEXT,
        description="A document number or reference. Required, with `done_at`, when a measure was applied that is barred now",
    )

    def outcome(self, check_id: str, department: DepartmentId) -> RecordOutcome:
        return RecordOutcome(check_id, department, self.applied, self.note, self.done_at, self.evidence)


class RecordedOutcome(BaseModel):
    """A recorded outcome."""

    applied: bool
    note: str
    recorded_at: datetime
    done_at: datetime | None
    evidence: str


class CheckedSubject(BaseModel):
    """The subject of a check, without its number."""

    key: ShownKey
    kind: SubjectKind


class FoundEntry(BaseModel):
    """An entry that reaches the subject, because of a line of the asking department."""

    entry_id: EntryId
    list_kind: ListKind
    domain_id: DomainId
    entry_subject: ShownKey = Field(
        description="The listed subject; differs from the subject of the check for a responsible person"
    )
    until: date | None


class CheckBody(BaseModel):
    """The receipt of a check (查询回执)."""

    check_id: str
    receipt_number: str
    department: str
    asked_by: str
    asked_at: datetime
    subject: CheckedSubject
    matter: str
    hits: tuple[Hit, ...] = Field(description="What this department must or may do on this occasion")
    barred: tuple[Barred, ...] = Field(
        description="Directed punishments that must not be applied, because their basis is gone"
    )
    lists: tuple[FoundEntry, ...] = Field(
        description="Active entries of which this department carries out measures on the subject, by the events that this "
        "executor has read"
    )
    covers: tuple[ListName, ...] = Field(description='The lists for which "no record" is stated')
    as_of: datetime | None
    complete: bool
    lawbook_version: int
    meaning: str = Field(description="The result in words: what was found, in which lists, as of when")
    awaiting_outcome: bool
    outcome: RecordedOutcome | None


def check_body(stored: StoredCheck, book: LawBook, wording: Wording) -> CheckBody:
    made, outcome = stored.made, stored.outcome
    return CheckBody(
        check_id=made.check_id,
        receipt_number=made.receipt_number,
        department=made.department,
        asked_by=stored.asked_by,
        asked_at=made.made_at,
        subject=CheckedSubject(key=made.subject, kind=kind_of(made.subject)),
        matter=made.matter,
        hits=made.hits,
        barred=made.barred,
        lists=tuple(FoundEntry.model_validate(one, from_attributes=True) for one in made.lists),
        covers=made.covers,
        as_of=made.as_of,
        complete=made.complete,
        lawbook_version=made.lawbook_version,
        meaning=_meaning(made, book, wording),
        awaiting_outcome=bool(made.hits) and outcome is None,
        outcome=_recorded(outcome) if outcome else None,
    )


def _recorded(outcome: OutcomeRecorded) -> RecordedOutcome:
    return RecordedOutcome(
        applied=outcome.applied,
        note=outcome.note,
        recorded_at=outcome.recorded_at,
        done_at=outcome.done_at,
        evidence=outcome.evidence,
    )


def _meaning(made: CheckMade, book: LawBook, wording: Wording) -> str:
    chosen = language()
    facts: dict[str, object] = {
        "matter": made.matter,
        "as_of": made.as_of.astimezone(SHANGHAI).isoformat(timespec="minutes") if made.as_of else None,
        "lists": list(_list_names(made.covers, book, wording, chosen)) or None,
        "count": len(made.hits),
    }
    codes = [_result_code(made)] + ([] if made.complete else ["check.incomplete"])
    return " ".join(wording.term(code, facts, chosen) or code for code in codes)


def _result_code(made: CheckMade) -> Literal["check.hits", "check.no_measure", "check.no_record", "check.nothing_read"]:
    if made.hits:
        return "check.hits"
    if made.as_of is None:
        return "check.nothing_read"
    return "check.no_measure" if made.lists else "check.no_record"


def _list_names(covers: Iterable[ListName], book: LawBook, wording: Wording, chosen: Language) -> Iterable[str]:
    for one in covers:
        domain = book.domain(one.domain_id)
        kind = wording.term(f"ListKind.{one.list_kind.value}", {}, chosen) or one.list_kind.value
        if domain is None:
            yield f"{one.domain_id} {kind}"
        else:
            yield f"{domain.name_zh}{kind}" if chosen is Language.ZH else f"{domain.name_en} {kind}"
