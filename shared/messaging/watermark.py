"""A consumer that is stuck says nothing: it is noticed by what it does not fetch while the log grows.

After a rebalance the client library can stop fetching a partition for good, without an error (aiokafka #712, #847, #1154).
A partition of which nothing was fetched for a while is asked for its end; when it lags, still has fetched nothing at the next
look, and stands where it stood, the consumer is to be made anew.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import cast

from aiokafka import AIOKafkaConsumer, TopicPartition


class StandsStill(Exception):
    """The log goes on and the consumer does not."""


class Watermark:
    """Watches the partitions of one consumer. `patience` is in seconds; to be noticed takes up to twice that long."""

    def __init__(self, patience: float = 30.0) -> None:
        self._patience = patience
        self._quiet_since: dict[TopicPartition, float] = {}
        self._lagged_at: dict[TopicPartition, int] = {}

    def clear(self) -> None:
        self._quiet_since.clear()
        self._lagged_at.clear()

    async def look(
        self, consumer: AIOKafkaConsumer, going: Mapping[TopicPartition, int], moved: Iterable[TopicPartition]
    ) -> None:
        """`going`: where each partition that is not stopped stands; `moved`: what was just fetched. Raises StandsStill."""
        now = asyncio.get_running_loop().time()
        for tp in moved:
            self._quiet_since[tp] = now
            self._lagged_at.pop(tp, None)
        due = [tp for tp in going if now - self._quiet_since.setdefault(tp, now) > self._patience]
        if not due:
            return
        ends = cast("dict[TopicPartition, int]", await consumer.end_offsets(due))
        for tp in due:
            self._quiet_since[tp] = now
            if ends[tp] <= going[tp]:
                self._lagged_at.pop(tp, None)
            elif self._lagged_at.get(tp) == going[tp]:
                raise StandsStill(f"{tp} stands at {going[tp]}, its log at {ends[tp]}")
            else:
                self._lagged_at[tp] = going[tp]
