"""Records of a topic: as Kafka returned them, and as messages with a decoded event."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import orjson

from shared.contracts.envelope import Envelope, Headers, UnreadableEnvelope, read_envelope
from shared.contracts.event import Event
from shared.contracts.vocabulary import Vocabulary


class RawRecord(NamedTuple):
    """A record as Kafka returned it, with its envelope; its body is not decoded yet."""

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
        """The headers as a JSON object. Our headers are text; bytes of other headers that are not UTF-8 are replaced."""
        return orjson.dumps({name: value.decode(errors="replace") for name, value in self.headers}).decode()


class Message(NamedTuple):
    """A consumed event, of another service or of this one, as a reaction gets it."""

    topic: str
    key: str
    envelope: Envelope
    event: Event
    body: bytes


def parse_record(topic: str, record: Any) -> RawRecord:
    """`topic` is the name without the broker's prefix. Raises UnreadableEnvelope for a record that is not one of our events.

    A sequence below 1 would be skipped as a duplicate, and a key with a NUL cannot be stored, so both are rejected.
    """
    try:
        headers = _without_none(record.headers)
        envelope = read_envelope(headers)
        key = (record.key or b"").decode()
    except ValueError as error:
        raise UnreadableEnvelope(f"the record at offset {record.offset} is not an event: {error}") from None
    if envelope.sequence < 1 or "\0" in key:
        raise UnreadableEnvelope(f"the record at offset {record.offset} is not an event: invalid sequence or key")
    return RawRecord(topic, record.partition, record.offset, key, envelope, headers, record.value or b"")


def _without_none(headers: Sequence[tuple[str, bytes | None]]) -> Headers:
    """Kafka allows headers without a value; all headers of this system have one."""
    if any(value is None for _, value in headers):
        return [(name, value or b"") for name, value in headers]
    return cast("Headers", headers)


def stored_record(row: Any) -> RawRecord:
    """A record from a row of the table `parked`."""
    headers = tuple((name, value.encode()) for name, value in orjson.loads(row.headers).items())
    return RawRecord(row.topic, row.partition, row.record_offset, row.key, read_envelope(headers), headers, row.body)
