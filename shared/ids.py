"""Ids: new ones in order of time, and ids that are derived from what they identify."""

import uuid_utils

_LIANDONG = uuid_utils.UUID("8f3a1f6e-6a51-5c0e-9d1c-6c69616e646f")


def new_event_id() -> str:
    """A UUIDv7: ordered by creation time."""
    return str(uuid_utils.uuid7())


def stable_id(*parts: str) -> str:
    """A UUIDv5 of the parts: the same parts give the same id, so a replay or another process derives it again."""
    return str(uuid_utils.uuid5(_LIANDONG, "\x1f".join(parts)))
