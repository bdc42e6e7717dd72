"""From old versions of events to the next: pure functions on the body. They look nothing up and write "unknown", never a guess.

To change an event type so that old readers or old events would break: give the model a new version, write the upcaster here,
renew the schema snapshots, and let readers be upgraded before writers (an older reader parks what it does not know).
"""

from collections.abc import Callable
from typing import Any

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


def refused_v1_to_v2(body: dict[str, Any]) -> dict[str, Any]:
    """Version 1 said `measures: [[id, reason]]`; which version of the measure was judged is not known."""
    kept = {name: value for name, value in body.items() if name != "measures"}
    refused = [
        {"measure_id": measure_id, "measure_version": None, "instrument_id": None, "reason": reason}
        for measure_id, reason in body["measures"]
    ]
    return {**kept, "refused": refused}


UPCASTERS: dict[str, tuple[str, Upcaster]] = {
    "response.refused.v1": ("response.refused.v2", refused_v1_to_v2),
}
"""Old type → (the next type, how to get there)."""
