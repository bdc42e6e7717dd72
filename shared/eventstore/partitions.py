"""The Kafka partition of a key."""

from collections.abc import Callable
from functools import lru_cache
from typing import cast

from aiokafka import partitioner

_murmur2 = cast("Callable[[bytes], int]", partitioner.murmur2)


@lru_cache(maxsize=100_000)
def partition_of(key: str, partitions: int) -> int:
    """The partition of a key, as the Java client computes it. Cached: events of one subject follow one another."""
    return (_murmur2(key.encode()) & 0x7FFFFFFF) % partitions
