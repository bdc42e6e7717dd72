"""The `eventsourcing` library on the same PostgreSQL server, set up as in its documentation."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.engine import make_url

from benchmarks.bare import chunks

_SAVED_AT_ONCE = 100


def environment(url: str) -> dict[str, str]:
    """The environment variables of an application of the library on this database."""
    target = make_url(url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": target.database or "",
        "POSTGRES_HOST": target.host or "127.0.0.1",
        "POSTGRES_PORT": str(target.port or 5432),
        "POSTGRES_USER": target.username or "postgres",
        "POSTGRES_PASSWORD": target.password or "",
    }


StreamEvent = tuple[str, dict[str, Any], bool]
"""An event: its type, its body, and whether a read model projects it."""


class Log:
    """Our streams in an application of the library: one aggregate per stream, the same bodies, in the same order."""

    PAGE = 1_000
    """Notifications per query. The library's default, 10, would be a disadvantage for it."""
    NUMBER = "notification_id"

    def __init__(self, url: str) -> None:
        from eventsourcing.application import Application  # noqa: PLC0415 - imported only for this comparison
        from eventsourcing.domain import Aggregate, event  # noqa: PLC0415

        class Stream(Aggregate):
            @event("Opened")
            def __init__(self, kind: str, body: dict[str, Any]) -> None:
                """The first event of a stream; read models project it."""

            @event("Folded")
            def folded(self, kind: str, body: dict[str, Any]) -> None:
                """Events that read models project."""

            @event("Other")
            def other(self, kind: str, body: dict[str, Any]) -> None:
                """Events that read models ignore."""

        self._aggregate: Any = Stream
        self._application: Any = Application(env=environment(url))

    @property
    def table(self) -> str:
        return str(self._application.recorder.events_table_name)

    def write(self, streams: Iterable[list[StreamEvent]]) -> None:
        """Save streams, a hundred at a time: larger saves are slow in the library."""
        aggregates: list[Any] = []
        for (kind, body, _), *others in streams:
            aggregate = self._aggregate(kind=kind, body=body)
            for other_kind, other_body, is_folded in others:
                (aggregate.folded if is_folded else aggregate.other)(kind=other_kind, body=other_body)
            aggregates.append(aggregate)
        for some in chunks(aggregates, _SAVED_AT_ONCE):
            self._application.save(*some)

    def read(self, count: int, *, folded_only: bool = False) -> int:
        """Read the events from the first up to this notification id; returns their number."""
        recorder, to_event = self._application.recorder, self._application.mapper.to_domain_event
        topics = self._folded() if folded_only else ()
        start, found = 1, 0
        while page := recorder.select_notifications(start, self.PAGE, count, topics):
            for notification in page:
                to_event(notification)
            found, start = found + len(page), page[-1].id + 1
        return found

    def _folded(self) -> list[str]:
        from eventsourcing.utils import get_topic  # noqa: PLC0415

        return [get_topic(self._aggregate.Opened), get_topic(self._aggregate.Folded)]

    def close(self) -> None:
        self._application.close()
