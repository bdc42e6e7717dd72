"""Ids that follow from what they name: whoever asks again, in a replay or elsewhere, gets the same one."""

import uuid_utils

_LIANDONG = uuid_utils.UUID("8f3a1f6e-6a51-5c0e-9d1c-6c69616e646f")


def stable_id(*parts: str) -> str:
    """The same parts give the same id (UUIDv5)."""
    return str(uuid_utils.uuid5(_LIANDONG, "\x1f".join(parts)))
