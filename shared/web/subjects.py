"""Subjects in answers. No answer has the key of a natural person, or an encrypted name or number (row 25)."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from shared.contracts.event import SubjectKey
from shared.contracts.listing import Entry
from shared.identity import key_to_show

ShownKey = Annotated[
    SubjectKey | None,
    BeforeValidator(key_to_show),
    Field(
        description="`uscc:…` or `<scheme>:…`; null for a natural person",
        json_schema_extra={"x-natural-person": "null"},
    ),
]
"""A field with the key of a subject. The key of a natural person becomes null."""

_SEALED = {"sealed_name", "sealed_number"}
_NOT_SHOWN: Any = {"subject": _SEALED, "responsible": {"__all__": {"subject": _SEALED}}}


def shown_entry(entry: Entry) -> dict[str, Any]:
    """The content of an entry for those who answer for it: names of persons are masked, their keys null."""
    body = entry.model_dump(mode="json", exclude=_NOT_SHOWN)
    for subject in (body["subject"], *(person["subject"] for person in body["responsible"])):
        subject["key"] = key_to_show(SubjectKey(subject["key"]))
    return body
