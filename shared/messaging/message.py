"""A record of a topic, read."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import orjson

from shared.contracts.envelope import Envelope, Headers, UnreadableEnvelope, read_envelope
from shared.contracts.event import Event
from shared.contracts.vocabulary import Vocabulary


class Raw(NamedTuple):
    """A record as Kafka gave it, with its envelope; its body is not read yet."""

    topic: str
    partition: int
    offset: int
    key: str
    envelope: Envelope
    headers: Headers
    body: bytes

    def read(self, vocabulary: Vocabulary) -> "Message":
        """Raises UnknownEventType or UnreadableEvent."""
        event = vocabulary.decode(self.envelope.type, self.body)
        return Message(self.topic, self.key, self.envelope, event, self.body)

    def headers_json(self) -> str:
        """Headers that are not ours may hold any bytes: what is no text is marked as such, and ours are text."""
        return orjson.dumps({name: value.decode(errors="replace") for name, value in self.headers}).decode()


class Message(NamedTuple):
    """An event of another service (or of this one), as a reaction sees it."""

    topic: str
    key: str
    envelope: Envelope
    event: Event
    body: bytes


def raw_record(topic: str, record: Any) -> Raw:
    """`topic` is the name without the broker's prefix. Raises UnreadableEnvelope for a record that no event of ours is.

    A number below 1 would pass for a duplicate, and a key with a NUL in it cannot be stored: neither is ours.
    """
    try:
        headers = _without_none(record.headers)
        envelope = read_envelope(headers)
        key = (record.key or b"").decode()
    except ValueError as error:
        raise UnreadableEnvelope(f"the record at offset {record.offset} is no event: {error}") from None
    if envelope.sequence < 1 or "\0" in key:
        raise UnreadableEnvelope(f"the record at offset {record.offset} is no event: its number or its key is none")
    return Raw(topic, record.partition, record.offset, key, envelope, headers, record.value or b"")


def _without_none(headers: Sequence[tuple[str, bytes | None]]) -> Headers:
    """Kafka knows headers without a value; ours all have one."""
    if any(value is None for _, value in headers):
        return [(name, value or b"") for name, value in headers]
    return cast("Headers", headers)


def stored_record(row: Any) -> Raw:
    """A record from a row of the table `parked`."""
    headers = tuple((name, value.encode()) for name, value in orjson.loads(row.headers).items())
    return Raw(row.topic, row.partition, row.record_offset, row.key, read_envelope(headers), headers, row.body)
