"""How long requests take, by the template of their route: paths name subjects, templates do not."""

import time
from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector

NO_ROUTE = "(none)"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_UNSEEN = frozenset({"/healthz", "/readyz", "/metrics"})
"""Whoever watches over a service asks these all the time."""
_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Requests:
    """The requests of one application, and the process that answers them."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._seconds = Histogram(
            "liandong_http_request_seconds",
            "How long requests took until the last byte was sent",
            ("service", "method", "route", "status"),
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._service = service

    def answered(self, method: str, route: str, status: int, since: float) -> None:
        """A request that came at `since` (time.perf_counter) was answered."""
        if route in _UNSEEN:
            return
        known = method if method in _METHODS else "OTHER"
        self._seconds.labels(self._service, known, route, str(status)).observe(time.perf_counter() - since)


def route_of(scope: Mapping[str, Any]) -> str:
    """The template of the route that a request took, without any value of its path."""
    # A route of a router within a router knows its own part only; FastAPI keeps the whole beside it.
    whole = scope.get("fastapi", {}).get("effective_route_context")
    return getattr(whole if whole is not None else scope.get("route"), "path", NO_ROUTE)
