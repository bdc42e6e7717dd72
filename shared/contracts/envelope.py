"""CloudEvents 1.0 in Kafka's binary mode: attributes are headers (`ce_…`), the body is only the event's JSON.

`ce_sequence` counts without gaps for each (source, topic, partition). Consumers detect duplicates and losses by it.
"""

from collections.abc import Sequence
from typing import NamedTuple

Headers = Sequence[tuple[str, bytes]]


class UnreadableEnvelope(ValueError):
    """A record without valid headers of an event of this system."""


class Envelope(NamedTuple):
    """The attributes of one event on a topic. A named tuple, because it is fast: a service reads thousands a second."""

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
        """The attributes with a value, as headers of a record."""
        headers = [
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
            headers.append(("ce_correlationid", self.correlation.encode()))
        if self.causation:
            headers.append(("ce_causationid", self.causation.encode()))
        if self.traceparent:
            headers.append(("ce_traceparent", self.traceparent.encode()))
        return headers


def read_envelope(headers: Headers) -> Envelope:
    """The envelope in the headers. Raises UnreadableEnvelope if a required attribute is missing or malformed."""
    values = dict(headers)
    try:
        return Envelope(
            values["ce_id"].decode(),
            values["ce_source"].decode(),
            int(values["ce_sequence"]),
            values["ce_type"].decode(),
            values["ce_time"].decode(),
            values["ce_subject"].decode(),
            values.get("ce_correlationid", b"").decode(),
            values.get("ce_causationid", b"").decode(),
            values.get("ce_traceparent", b"").decode(),
        )
    except (KeyError, ValueError) as error:
        raise UnreadableEnvelope(str(error)) from None
