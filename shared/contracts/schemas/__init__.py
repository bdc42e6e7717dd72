"""The JSON Schema of every public event, one file a type: written by `python -m shared.contracts.schemas`, compared by a test."""

import json
from pathlib import Path

from shared.contracts.vocabulary import PUBLIC_EVENTS

FOLDER = Path(__file__).parent


def schemas() -> dict[str, str]:
    """The schema of each event type, as it would stand in its file."""
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
    """Write every schema to its file: done on purpose, when a contract was changed on purpose."""
    for type_name, schema in schemas().items():
        (FOLDER / f"{type_name}.json").write_text(schema, encoding="utf-8")
