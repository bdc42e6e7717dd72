"""The aggregates of feedback. Nobody commands it over HTTP: its commands come from the ledger (reactions, overdue)."""

from services.feedback.domain.loop import (
    NEVER_NOTICED,
    OPEN,
    Close,
    Loop,
    Noticed,
    NoticeOverdue,
    Reopen,
    decide_loop,
    decide_notice,
    evolve_loop,
    evolve_notice,
)
from shared.decider import Decider

LOOP: Decider[Loop, Close | Reopen] = Decider("loop", OPEN, decide_loop, evolve_loop)
"""Streams `loop-<entry id>`: each closing has a version of its own."""

OBLIGATION: Decider[Noticed, NoticeOverdue] = Decider("obligation", NEVER_NOTICED, decide_notice, evolve_notice)
"""Streams `obligation-<line id>`."""
