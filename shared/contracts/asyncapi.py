"""The AsyncAPI 3 document of the topics, generated from the contracts: `python -m shared.contracts.asyncapi` writes it."""

from pathlib import Path
from typing import Any

import yaml

from shared.contracts.event import PublicEvent, Topic
from shared.contracts.vocabulary import PUBLIC_EVENTS

FILE = Path(__file__).parents[2] / "docs" / "asyncapi.yaml"

WRITERS = {
    Topic.LAWBOOK: "catalogue",
    Topic.LIST: "initiator (published), repair (every later change)",
    Topic.RESPONSE: "registry",
    Topic.EXECUTION: "executor",
    Topic.FEEDBACK: "feedback",
}

_TEXT: dict[str, Any] = {"type": "string"}
HEADERS: dict[str, Any] = {
    "type": "object",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_sequence", "ce_type", "ce_time", "ce_subject"],
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {**_TEXT, "format": "uuid"},
        "ce_source": {**_TEXT, "description": "service/database id/epoch"},
        "ce_sequence": {**_TEXT, "description": "counts without gaps for each source, topic and partition"},
        "ce_type": _TEXT,
        "ce_time": {**_TEXT, "format": "date-time"},
        "ce_subject": {**_TEXT, "description": "the key of the record"},
        "ce_correlationid": _TEXT,
        "ce_causationid": {**_TEXT, "description": "id of the event that caused this one"},
        "ce_traceparent": {**_TEXT, "description": "W3C trace context"},
        "content-type": {"type": "string", "const": "application/json"},
    },
}


def document() -> dict[str, Any]:
    """The complete document."""
    messages, schemas = dict[str, Any](), dict[str, Any]()
    for event in PUBLIC_EVENTS:
        messages[event.TYPE] = _message(event)
        schemas.update(_schemas(event))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Liandong 联动",
            "version": "1",
            "description": "CloudEvents 1.0 in binary mode. Records of one key stay in order; murmur2 chooses the partition.",
        },
        "defaultContentType": "application/json",
        "channels": {topic.value: _channel(topic) for topic in Topic},
        "operations": {topic.name.lower(): _operation(topic) for topic in Topic},
        "components": {"messages": messages, "schemas": dict(sorted(schemas.items()))},
    }


def _message(event: type[PublicEvent]) -> dict[str, Any]:
    return {
        "name": event.TYPE,
        "summary": (event.__doc__ or "").strip().split("\n")[0],
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
    }


def _schemas(event: type[PublicEvent]) -> dict[str, Any]:
    schema = event.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"Headers": HEADERS, **schema.pop("$defs", {}), event.__name__: schema}


def _channel(topic: Topic) -> dict[str, Any]:
    types = [event.TYPE for event in PUBLIC_EVENTS if event.TOPIC is topic]
    return {
        "address": topic.value,
        "description": f"Written by {WRITERS[topic]}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in types},
    }


def _operation(topic: Topic) -> dict[str, Any]:
    return {"action": "receive", "channel": {"$ref": f"#/channels/{topic.value}"}}


def text() -> str:
    """The document as text, for `docs/asyncapi.yaml`."""
    return yaml.safe_dump(document(), allow_unicode=True, sort_keys=False, width=120)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
