"""The states of a line: what was answered, what is owed, and why a loop is open."""

from enum import StrEnum


class Answer(StrEnum):
    """The answer of a department. To acknowledge is no answer; a measure that failed is still to be applied."""

    ARMED = "armed"
    APPLIED = "applied"
    NOT_APPLICABLE = "not_applicable"
    REFUSED = "refused"
    FAILED = "failed"


class Owes(StrEnum):
    """What a department still has to do about a line."""

    NOTHING = "nothing"
    ANSWER = "answer"
    UNDO = "undo"
    """Undo the effect and prove it, or confirm that there never was an effect."""


class LineState(StrEnum):
    """The state of a line."""

    NOT_DIRECTED = "not_directed"
    """A settlement names the line or a department answered it, but its direction is not read yet."""
    WAITING = "waiting"
    INVITED = "invited"
    """Invited (鼓励、引导、支持), not owed, and no effect was reported: neither an answer nor a confirmation is due."""
    ANSWERED = "answered"
    UNDOING = "undoing"
    CLOSED = "closed"
    """Ended, and undone or confirmed never applied."""


OWES_IN = {LineState.WAITING: Owes.ANSWER, LineState.UNDOING: Owes.UNDO}
"""What a department owes in a state; nothing in the others."""


class OpenReason(StrEnum):
    """Why a loop is open."""

    IN_FORCE = "in_force"
    """The entry is on its list."""
    NOT_SETTLED = "not_settled"
    """The registry has not dealt with a list event yet."""
    LIST_EVENT_UNREAD = "list_event_unread"
    """The registry has dealt with a list event that this service has not read yet."""
    NOT_DIRECTED = "not_directed"
    """A line exists whose direction this service has not read yet."""
    END_NOT_ORDERED = "end_not_ordered"
    WITHOUT_BASIS = "without_basis"
    """An effect without a basis was reported and is not undone (004 四(三))."""
    UNDOING_OWED = "undoing_owed"
    """An effect was reported and is not undone."""
    CONFIRMATION_OWED = "confirmation_owed"
    """No effect was reported, and the department has not confirmed that there was none."""
