"""Bodies of `/v1/entries/{id}/resolution`: what followed from one entry, with the reasons in words."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from services.registry.views.resolutions import (
    Decided,
    DirectedLine,
    DirectedResponse,
    EntryResolution,
    Refused,
    Settlement,
)
from shared.contracts.event import EventId, ResponseId
from shared.contracts.lawbook import Role
from shared.contracts.response import EndMode, Line, RefusalReason
from shared.web.subjects import ShownKey


class DecidedBody(BaseModel):
    """When something was decided, because of which list event, and by which version of the law book."""

    at: datetime
    list_event_id: EventId = Field(
        description="Of this entry, or of another entry of the subject that changed what follows"
    )
    lawbook_version: int


class LineEndBody(DecidedBody):
    mode: EndMode
    reason: str


class DirectedLineBody(DecidedBody):
    """One measure as it was directed, and what became of it."""

    line: Line
    why: str = Field(
        description="Measure, instrument, basis and the day on which it was valid, and by what the department implements it"
    )
    suspended_because: str | None = None
    end: LineEndBody | None = None


class ResponseBody(BaseModel):
    """What one department was directed to do to one subject."""

    response_id: ResponseId
    department: str
    subject: ShownKey
    name: str
    roles: tuple[Role, ...] = Field(
        description="The roles in which the subject is responsible; empty: it is the listed subject"
    )
    until: date | None
    lines: list[DirectedLineBody]


class RefusalBody(DecidedBody):
    """A measure that targets the subject and did not pass the basis gate (rows 5 and 6, N2): no department executes it."""

    subject: ShownKey
    measure_id: str
    measure_version: int | None
    instrument_id: str | None
    reason: RefusalReason
    why: str = Field(description="The reason in words, in the caller's language")
    current: bool = Field(description="False: the entry was corrected since, and resolved again")


class SettlementBody(DecidedBody):
    """A list event of this entry was processed."""

    list_event_type: str
    lines: int = Field(description="All lines ever directed because of the entry")
    standing: int = Field(description="Those of them that have not ended")
    ended: bool


class ResolutionBody(BaseModel):
    """All that followed from one entry, in the order in which it was decided."""

    entry_id: str
    subject: ShownKey
    name: str
    list_kind: str
    domain_id: str
    grade: str | None
    jurisdiction: str
    responses: list[ResponseBody]
    refusals: list[RefusalBody]
    settlements: list[SettlementBody]


Explain = Callable[[RefusalReason | Line], str]
"""The reason in words: why a measure was refused, or why a line was directed."""


def resolution_body(found: EntryResolution, explain: Explain) -> ResolutionBody:
    entry = found.entry
    return ResolutionBody(
        entry_id=entry.entry_id,
        subject=entry.subject.key,
        name=entry.subject.name,
        list_kind=entry.list_kind,
        domain_id=entry.domain_id,
        grade=entry.grade,
        jurisdiction=entry.jurisdiction,
        responses=[_response(response, explain) for response in found.responses],
        refusals=[_refusal(refused, explain) for refused in found.refusals],
        settlements=[_settlement(settlement) for settlement in found.settlements],
    )


def _response(response: DirectedResponse, explain: Explain) -> ResponseBody:
    return ResponseBody(
        response_id=response.response_id,
        department=response.department,
        subject=response.subject,
        name=response.name,
        roles=response.roles,
        until=response.until,
        lines=[_line(line, explain) for line in response.lines],
    )


def _line(line: DirectedLine, explain: Explain) -> DirectedLineBody:
    end = line.end
    return DirectedLineBody(
        line=line.line,
        why=explain(line.line),
        suspended_because=line.suspended_because,
        end=LineEndBody(mode=end.mode, reason=end.reason, **_decided(end.decided)) if end else None,
        **_decided(line.decided),
    )


def _refusal(refused: Refused, explain: Explain) -> RefusalBody:
    return RefusalBody(
        subject=refused.subject,
        why=explain(refused.measure.reason),
        current=refused.current,
        **refused.measure.model_dump(),
        **_decided(refused.decided),
    )


def _settlement(settlement: Settlement) -> SettlementBody:
    event = settlement.event
    return SettlementBody(
        list_event_type=event.list_event_type,
        lines=len(event.lines),
        standing=event.standing,
        ended=event.ended,
        **_decided(settlement.decided),
    )


def _decided(decided: Decided) -> dict[str, Any]:
    return {
        "at": decided.at,
        "list_event_id": decided.list_event_id,
        "lawbook_version": decided.lawbook_version,
    }
