"""CloudEvents 1.0 in Kafka's binary mode: attributes are headers (`ce_…`), the body is the event's JSON alone.

`ce_sequence` counts without gaps for each (source, topic, partition); consumers recognise duplicates and losses by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

Headers = Sequence[tuple[str, bytes]]


class UnreadableEnvelope(ValueError):
    """A record without the headers that every event of this system carries."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The attributes of one event on a topic."""

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
        named = {
            "ce_specversion": "1.0",
            "ce_id": self.event_id,
            "ce_source": self.source,
            "ce_sequence": str(self.sequence),
            "ce_type": self.type,
            "ce_time": self.time,
            "ce_subject": self.subject,
            "ce_correlationid": self.correlation,
            "ce_causationid": self.causation,
            "ce_traceparent": self.traceparent,
            "content-type": "application/json",
        }
        return [(name, value.encode()) for name, value in named.items() if value]


def read_envelope(headers: Headers) -> Envelope:
    """Raises UnreadableEnvelope when a required attribute is missing or is not what it should be."""
    found = dict(headers)
    try:
        return Envelope(
            event_id=found["ce_id"].decode(),
            source=found["ce_source"].decode(),
            sequence=int(found["ce_sequence"]),
            type=found["ce_type"].decode(),
            time=found["ce_time"].decode(),
            subject=found["ce_subject"].decode(),
            correlation=found.get("ce_correlationid", b"").decode(),
            causation=found.get("ce_causationid", b"").decode(),
            traceparent=found.get("ce_traceparent", b"").decode(),
        )
    except (KeyError, ValueError) as error:
        raise UnreadableEnvelope(str(error)) from None
