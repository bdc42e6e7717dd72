"""How long requests take, by the template of their route: a path names a subject, a template does not."""

import time
from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector

NO_ROUTE = "(none)"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NOT_MEASURED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Monitoring calls these all the time; they would hide the requests of users."""
_BUCKETS_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class RequestMetrics:
    """Metrics of the requests of one application and of the process that serves them."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._seconds = Histogram(
            "liandong_http_request_seconds",
            "Duration of requests until the last byte was sent",
            ("service", "method", "route", "status"),
            registry=self.registry,
            buckets=_BUCKETS_SECONDS,
        )
        self._service = service

    def record(self, method: str, route: str, status: int, started_at: float) -> None:
        """Count a request that ends now. `started_at`: its start, by `time.perf_counter`."""
        if route in _NOT_MEASURED:
            return
        known = method if method in _METHODS else "OTHER"
        self._seconds.labels(self._service, known, route, str(status)).observe(time.perf_counter() - started_at)


def route_of(scope: Mapping[str, Any]) -> str:
    """The template of the route that a request took, without any value of its path."""
    # The route of a nested router holds only its own part of the path. FastAPI stores the full route beside it.
    full = scope.get("fastapi", {}).get("effective_route_context")
    return getattr(full if full is not None else scope.get("route"), "path", NO_ROUTE)
