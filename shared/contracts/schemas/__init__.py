"""The JSON Schema of every public event, one file for each type. `python -m shared.contracts.schemas` writes them.

A test compares them with the contracts.
"""

import json
from pathlib import Path

from shared.contracts.vocabulary import PUBLIC_EVENTS

FOLDER = Path(__file__).parent


def schemas() -> dict[str, str]:
    """Event type → the content of its schema file."""
    return {
        event.TYPE: json.dumps(
            {"$id": f"urn:liandong:event:{event.TYPE}", "x-topic": event.TOPIC.value, **event.model_json_schema()},
            ensure_ascii=False,
            indent=1,
            sort_keys=True,
        )
        + "\n"
        for event in PUBLIC_EVENTS
    }


def write() -> None:
    """Write every schema to its file, after an intended change of a contract."""
    for type_name, schema in schemas().items():
        (FOLDER / f"{type_name}.json").write_text(schema, encoding="utf-8")
