"""A bounded memo of results that are computed from something that never changes, such as a law book."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memo(dict[K, V]):
    """Results by what they were computed from. Holds at most `most` of them: a full memo is emptied."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, key: K, value: V) -> V:
        """Remember `value`, and return it."""
        if len(self) >= self._most:
            self.clear()
        self[key] = value
        return value
