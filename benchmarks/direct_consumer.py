"""Passes records directly to a service's intake: the work of its consumer, without Kafka."""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime

from benchmarks.bare import chunks
from shared.calendar.clock import SystemClock
from shared.contracts.envelope import Envelope
from shared.contracts.event import PublicEvent
from shared.ids import new_event_id
from shared.messaging.intake import Intake, PartitionOffset
from shared.messaging.message import RawRecord
from shared.service import Service

BATCH = 500


class DirectConsumer:
    """Consumes records of one partition, at most a given number per transaction."""

    def __init__(self, service: Service) -> None:
        assert service.definition.reactions is not None
        core = service.core
        reactions = service.definition.reactions(core)
        self.intake = Intake(core.store, core.store.vocabulary, reactions, core.clock, core.name)
        self.took_ms: list[float] = []
        """Duration of each transaction."""
        self._offsets: dict[str, PartitionOffset] = {}

    async def consume(self, received: Sequence[RawRecord]) -> int:
        """Returns the number of transactions."""
        count = 0
        for batch in chunks(received, BATCH):
            topic = batch[0].topic
            offset = self._offsets.get(topic) or await self.intake.read_offset(topic, 0)
            began = time.perf_counter()
            self._offsets[topic] = await self.intake.take(offset, batch)
            self.took_ms.append((time.perf_counter() - began) * 1000)
            count += 1
        return count


def records(events: Iterable[PublicEvent], source: str, first: int = 0) -> list[RawRecord]:
    """Events as records of their topic, from offset `first` on."""
    now = SystemClock().now()
    return [
        record(event.TOPIC, nth, event.TYPE, event.model_dump_json().encode(), event.partition_key, source, now)
        for nth, event in enumerate(events, start=first)
    ]


def record(topic: str, nth: int, kind: str, body: bytes, key: str, source: str, at: datetime) -> RawRecord:
    """The nth record (from 0) of a topic with one source and one partition."""
    envelope = Envelope(
        event_id=new_event_id(),
        source=f"{source}/bench/1",
        sequence=nth + 1,
        type=kind,
        time=at.isoformat(),
        subject=key,
        correlation="bench",
    )
    return RawRecord(str(topic), 0, nth, key, envelope, tuple(envelope.headers()), body)
