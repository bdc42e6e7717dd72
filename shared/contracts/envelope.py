"""CloudEvents 1.0 in Kafka's binary mode: attributes are headers (`ce_…`), the body is the event's JSON alone.

`ce_sequence` counts without gaps for each (source, topic, partition); consumers recognise duplicates and losses by it.
"""

from collections.abc import Sequence
from typing import NamedTuple

Headers = Sequence[tuple[str, bytes]]


class UnreadableEnvelope(ValueError):
    """A record without the headers that every event of this system carries."""


class Envelope(NamedTuple):
    """The attributes of one event on a topic. A named tuple: a service reads thousands a second."""

    event_id: str
    source: str
    sequence: int
    type: str
    time: str
    subject: str
    correlation: str = ""
    causation: str = ""
    traceparent: str = ""

    def headers(self) -> list[tuple[str, bytes]]:
        """Those that have a value, as a record carries them."""
        named = [
            ("ce_specversion", b"1.0"),
            ("ce_id", self.event_id.encode()),
            ("ce_source", self.source.encode()),
            ("ce_sequence", b"%d" % self.sequence),
            ("ce_type", self.type.encode()),
            ("ce_time", self.time.encode()),
            ("ce_subject", self.subject.encode()),
            ("content-type", b"application/json"),
        ]
        if self.correlation:
            named.append(("ce_correlationid", self.correlation.encode()))
        if self.causation:
            named.append(("ce_causationid", self.causation.encode()))
        if self.traceparent:
            named.append(("ce_traceparent", self.traceparent.encode()))
        return named


def read_envelope(headers: Headers) -> Envelope:
    """Raises UnreadableEnvelope when a required attribute is missing or is not what it should be."""
    found = dict(headers)
    try:
        return Envelope(
            found["ce_id"].decode(),
            found["ce_source"].decode(),
            int(found["ce_sequence"]),
            found["ce_type"].decode(),
            found["ce_time"].decode(),
            found["ce_subject"].decode(),
            found.get("ce_correlationid", b"").decode(),
            found.get("ce_causationid", b"").decode(),
            found.get("ce_traceparent", b"").decode(),
        )
    except (KeyError, ValueError) as error:
        raise UnreadableEnvelope(str(error)) from None
