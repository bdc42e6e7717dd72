"""The aggregate `response`: one response (entry, subject, department) with its tasks.

Commands are orders of the registry and reports of the department. An order never fails because of the state of a line: a
repeated or overtaken order changes nothing. Answers of a report are judged one by one, so that the valid answers of a
thousand can be accepted without the others.
"""

from collections.abc import Sequence
from datetime import datetime

from services.executor.domain.orders import Order, amend, direct, end, resume, suspend
from services.executor.domain.reports import Report, report
from services.executor.domain.response_state import INITIAL, Response, evolve
from shared.contracts.event import Event
from shared.contracts.response import (
    ResponseAmended,
    ResponseDirected,
    ResponseEnded,
    ResponseResumed,
    ResponseSuspended,
)
from shared.decider import Decider
from shared.rejection import reject

Command = Order | Report


def decide(response: Response | None, command: Command, now: datetime) -> Sequence[Event]:
    """Raises Rejected: with all faults of a report; `unknown_response` or `unknown_line` for an order about something that
    was never directed."""
    if isinstance(command, ResponseDirected):
        return list(direct(response, command, now))
    if response is None:
        raise reject("unknown_response")
    match command:
        case ResponseAmended():
            return amend(response, command)
        case ResponseSuspended():
            return suspend(response, command, now)
        case ResponseResumed():
            return resume(response, command, now)
        case ResponseEnded():
            return list(end(response, command, now))
        case Report():
            return report(response, command, now)


RESPONSE: Decider[Response | None, Command] = Decider("response", INITIAL, decide, evolve)
"""Streams `response-<response_id>`."""
