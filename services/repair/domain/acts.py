"""Corrections, revocations and endings, and the end of the term (rows 14, 18 and 29).

A correction or a revocation takes effect from the beginning; an ending, by decision or by the term, from then on. What has left
its list is neither corrected nor ended. It can still be revoked, once: a court or an open objection may show later that the
listing was wrong from the beginning, so the effects until then must be undone too.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from services.repair.domain.commands import Expire
from services.repair.domain.content import Correction, Ending, Revocation, Upholding, needs_the_list
from services.repair.domain.correction import Changes, correction_faults
from services.repair.domain.events import CaseLapsed, DecisionLapsed, HowLeft
from services.repair.domain.state import Adopted, OffList, OnList, list_event_head
from shared.calendar.working_days import end_of_day, today
from shared.contracts.event import Event
from shared.contracts.listing import Cause, Entry, EntryCorrected, EntryEnded, EntryRevoked
from shared.lawbook.book import LawBook
from shared.lawbook.terms import last_day
from shared.rejection import reject, reject_all

FROM_THE_BEGINNING = frozenset({Cause.ERROR, Cause.OBJECTION_UPHELD, Cause.RECONSIDERATION, Cause.LITIGATION})
"""The causes of a revocation or a correction (rows 18 and 29)."""
FROM_THEN_ON = frozenset({Cause.NO_LONGER_QUALIFIES, Cause.WITHDRAWN})
"""The causes of an ending by decision, before the end of the term."""
TERM_PASSED = "期限届满 / The term has passed"


def correct(state: OnList, content: Correction, book: LawBook) -> Sequence[Event]:
    """Raises Rejected: `cause_does_not_fit`, and every fault of the corrected content."""
    if content.cause not in FROM_THE_BEGINNING:
        raise reject("cause_does_not_fit", "cause", cause=content.cause)
    return [corrected(state, content, content.cause, book)]


def corrected(state: OnList, content: Correction | Upholding, cause: Cause, book: LawBook) -> EntryCorrected:
    """The event with the whole corrected entry. Raises Rejected with every fault of the content."""
    entry = (content.changes or Changes()).applied_to(state.entry)
    reject_all(correction_faults(state.entry, entry, book))
    return EntryCorrected(
        **list_event_head(entry, book),
        entry=entry,
        cause=cause,
        reason=content.reason,
        document_number=content.document_number,
    )


def revoke(state: Adopted, content: Revocation, book: LawBook) -> Sequence[Event]:
    """Raises Rejected: `cause_does_not_fit`, `entry_has_left_the_list` when it was revoked before."""
    if content.cause not in FROM_THE_BEGINNING:
        raise reject("cause_does_not_fit", "cause", cause=content.cause)
    return revoked(state, content, content.cause, book)


def revoked(state: Adopted, content: Revocation | Upholding, cause: Cause, book: LawBook) -> Sequence[Event]:
    """The revocation and the cases that lapse. Also of a repaired or ended entry: its effects until then must be undone."""
    if isinstance(state, OffList) and state.how is HowLeft.REVOKED:
        raise reject("entry_has_left_the_list", how=state.how)
    event = EntryRevoked(
        **list_event_head(state.entry, book),
        cause=cause,
        reason=content.reason,
        document_number=content.document_number,
    )
    return [event, *_lapsed_cases(state, HowLeft.REVOKED)]


def end(state: OnList, content: Ending, book: LawBook, now: datetime) -> Sequence[Event]:
    """Raises Rejected: `cause_does_not_fit`. Off its list from the day on which it takes effect (Asia/Shanghai)."""
    if content.cause not in FROM_THEN_ON:
        raise reject("cause_does_not_fit", "cause", cause=content.cause)
    return _ended(state, book, content.cause, content.reason, today(now))


def expire(state: Adopted, command: Expire, now: datetime) -> Sequence[Event]:
    """Row 14. The term is checked at this instant, so a timer that was set before an extension ends nothing.

    The term needs no confirmation. A decision that awaits one lapses, unless it revokes: that is possible later too.
    """
    due = end_of_term(state.entry)
    if isinstance(state, OffList) or due is None or now < due:
        return []
    return [*_ended(state, command.book, Cause.TERM, TERM_PASSED, due.date()), *_lapsed_decision(state)]


def end_of_term(entry: Entry) -> datetime | None:
    """The first instant after the term: 00:00 in Asia/Shanghai on the day after its last day. None when it has no end."""
    end = last_day(entry.term_to)
    if end is None or end == date.max:
        return None
    return end_of_day(end)


def _ended(state: OnList, book: LawBook, cause: Cause, reason: str, day: date) -> Sequence[Event]:
    """`day`: the first day on which the entry is no longer on the list."""
    ended = EntryEnded(**list_event_head(state.entry, book), cause=cause, reason=reason, ended_on=day)
    return [ended, *_lapsed_cases(state, HowLeft.ENDED)]


def _lapsed_cases(state: Adopted, how: HowLeft) -> Iterator[CaseLapsed]:
    """The open cases that lose their object: all of them by a revocation, otherwise the requests for repair."""
    for case_id, case in state.cases.items():
        if case.open and (how is HowLeft.REVOKED or case.kind == "repair"):
            yield CaseLapsed(entry_id=state.entry.entry_id, case_id=case_id, because=how)


def _lapsed_decision(state: OnList) -> Iterator[DecisionLapsed]:
    if (awaiting := state.awaiting) is not None and needs_the_list(awaiting.content):
        yield DecisionLapsed(entry_id=state.entry.entry_id, decision_id=awaiting.decision_id, because=HowLeft.ENDED)
