"""Errors of consuming, which of them fail again in the same way, and how they are described to operators."""

from pathlib import Path
from traceback import extract_tb

from sqlalchemy.exc import DBAPIError

from shared.contracts.vocabulary import UnknownEventType, UnreadableEvent
from shared.database import is_outage, sql_state
from shared.eventstore import VersionConflict
from shared.messaging.reaction import NotYet


class Fenced(Exception):
    """The stored offset is not the expected one: another instance has moved it, or the response to a commit was lost."""


class SequenceJump(Exception):
    """A source's sequence has a gap: events are lost. The partition stops until an operator acts."""


def is_deterministic(error: BaseException) -> bool:
    """True when the same event on the same state fails again: contract, domain or data, or a bug of this program."""
    if isinstance(error, Fenced | SequenceJump | NotYet | VersionConflict | MemoryError):
        return False
    return isinstance(error, Exception) and not is_outage(error)


def describe(error: Exception) -> str:
    """What went wrong, for an operator: kind and place, without values that may be personal data."""
    kind = type(error).__name__
    if isinstance(error, DBAPIError):
        return f"{kind}: {type(getattr(error.orig, '__cause__', None)).__name__} {sql_state(error)}".strip()
    message = str(error).replace("\0", "")
    if isinstance(error, UnknownEventType | UnreadableEvent) or not message:
        return f"{kind}: {message}"
    return f"{kind}: {message.splitlines()[0][:300]}"


def origin(error: Exception) -> str:
    """Where in this program it was raised, for logs. A whole traceback would include the values that the database refused."""
    frames = extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(own[-3:]))
