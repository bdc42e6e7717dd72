"""Detects a consumer that fetches nothing while its log grows.

After a rebalance the client library can stop fetching a partition for good, without an error (aiokafka #712, #847, #1154).
If nothing was fetched of a partition for `timeout` seconds, the detector asks for its end offset. If the partition lags, and at
the next check still stands at the same offset, the consumer has stalled and must be replaced.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import cast

from aiokafka import AIOKafkaConsumer, TopicPartition


class ConsumerStalled(Exception):
    """The log grows and the consumer fetches nothing."""


class StallDetector:
    """Watches the partitions of one consumer. `timeout` is in seconds; detection takes up to twice that long."""

    def __init__(self, timeout: float = 30.0) -> None:
        self._timeout = timeout
        self._quiet_since: dict[TopicPartition, float] = {}
        self._lagged_at: dict[TopicPartition, int] = {}

    def clear(self) -> None:
        self._quiet_since.clear()
        self._lagged_at.clear()

    async def check(
        self, consumer: AIOKafkaConsumer, active: Mapping[TopicPartition, int], fetched: Iterable[TopicPartition]
    ) -> None:
        """`active`: the next offset of each partition that is not stopped. `fetched`: partitions with records just now.

        Raises ConsumerStalled.
        """
        now = asyncio.get_running_loop().time()
        for tp in fetched:
            self._quiet_since[tp] = now
            self._lagged_at.pop(tp, None)
        due = [tp for tp in active if now - self._quiet_since.setdefault(tp, now) > self._timeout]
        if not due:
            return
        ends = cast("dict[TopicPartition, int]", await consumer.end_offsets(due))
        for tp in due:
            self._quiet_since[tp] = now
            if ends[tp] <= active[tp]:
                self._lagged_at.pop(tp, None)
            elif self._lagged_at.get(tp) == active[tp]:
                raise ConsumerStalled(f"{tp} stands at offset {active[tp]}, its log ends at {ends[tp]}")
            else:
                self._lagged_at[tp] = active[tp]
