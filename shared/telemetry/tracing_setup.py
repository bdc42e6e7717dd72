"""Turns tracing on when the environment names a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`).

OpenTelemetry is an optional dependency and slow to import. Therefore spans.py is imported only when a collector is named.
"""

import importlib
import logging
import os

from shared.telemetry import traces

log = logging.getLogger(__name__)

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def start() -> None:
    """Turn tracing on if a collector is named. `traces.stop()` turns it off."""
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return
    try:
        spans = importlib.import_module("shared.telemetry.spans")
    except ModuleNotFoundError as missing:
        log.error("tracing is off: %s is not installed (the extra `traces`)", missing.name)
        return
    traces.use(spans.to_collector())
