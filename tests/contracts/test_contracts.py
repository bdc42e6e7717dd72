"""Contracts are promises to the readers of the topics."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from shared.contracts import asyncapi
from shared.contracts.envelope import Envelope, UnreadableEnvelope, read_envelope
from shared.contracts.listing import EntryEnded
from shared.contracts.response import RefusalReason, ResponseRefused
from shared.contracts.schemas import FOLDER, schemas
from shared.contracts.vocabulary import PUBLIC, PUBLIC_EVENTS, UnknownEventType, UnreadableEvent, Vocabulary


@pytest.mark.parametrize("type_name", sorted(schemas()))
def test_a_contract_changes_only_on_purpose(type_name: str) -> None:
    stored = (FOLDER / f"{type_name}.json").read_text(encoding="utf-8")
    assert schemas()[type_name] == stored, "run `python -m shared.contracts.schemas` if the change is meant"


def test_no_schema_is_left_of_a_type_that_is_gone() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(schemas())


def test_every_type_name_carries_its_version_and_is_used_once() -> None:
    names = [event.TYPE for event in PUBLIC_EVENTS]
    assert len(names) == len(set(names))
    assert all(name.rsplit(".v", 1)[1].isdigit() for name in names)


def test_an_unknown_type_and_an_unreadable_body_are_different_errors() -> None:
    with pytest.raises(UnknownEventType):
        PUBLIC.decode("list.entry.revoked.v99", "{}")
    with pytest.raises(UnreadableEvent):
        PUBLIC.decode("list.entry.revoked.v1", '{"entry_id": 5}')
    with pytest.raises(UnreadableEvent):
        PUBLIC.decode("list.entry.revoked.v1", b"\xff\x00")


def test_what_is_unreadable_is_described_without_its_values() -> None:
    with pytest.raises(UnreadableEvent) as raised:
        PUBLIC.decode("list.entry.revoked.v1", '{"entry_id": ["110101199003070000"]}')
    assert "110101199003070000" not in str(raised.value)


def test_an_old_version_is_upcast_on_reading() -> None:
    def with_cause(body: dict[str, object]) -> dict[str, object]:
        return {**body, "cause": "term"}

    vocabulary = Vocabulary([EntryEnded], {"list.entry.ended.v0": ("list.entry.ended.v1", with_cause)})
    old = '{"entry_id": "e", "subject": "uscc:x", "lawbook_version": 1, "reason": "r", "ended_on": "2020-01-01"}'
    event = vocabulary.decode("list.entry.ended.v0", old)
    assert isinstance(event, EntryEnded)
    assert event.cause.value == "term"


def test_a_refusal_of_the_first_version_is_read_with_what_it_did_not_say_as_unknown() -> None:
    old = """{"entry_id": "e", "subject": "uscc:x", "lawbook_version": 1, "list_event_id": "l",
              "measures": [["S000-018", "unpublished"]]}"""
    event = PUBLIC.decode("response.refused.v1", old)
    assert isinstance(event, ResponseRefused)
    [refused] = event.refused
    assert (refused.measure_id, refused.reason) == ("S000-018", RefusalReason.UNPUBLISHED)
    assert refused.measure_version is None


def test_an_old_version_that_is_not_what_it_says_is_unreadable_and_no_crash() -> None:
    with pytest.raises(UnreadableEvent):
        PUBLIC.decode("response.refused.v1", '{"entry_id": "e"}')


def test_an_envelope_is_read_as_it_was_written() -> None:
    envelope = Envelope("id", "registry/db/1", 7, "t.v1", "2020-01-01T00:00:00+00:00", "uscc:x", "c", "d", "00-a-b-01")
    assert read_envelope(envelope.headers()) == envelope


def test_a_record_without_our_headers_is_refused() -> None:
    with pytest.raises(UnreadableEnvelope):
        read_envelope([("ce_id", b"1")])


def test_the_document_of_the_topics_says_what_the_contracts_say() -> None:
    assert asyncapi.FILE.read_text(encoding="utf-8") == asyncapi.text(), "run `python -m shared.contracts.asyncapi`"


def test_every_reference_in_the_document_leads_somewhere() -> None:
    document = asyncapi.document()

    def references(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            for name, value in cast("dict[str, object]", node).items():
                if name == "$ref":
                    yield cast("str", value)
                yield from references(value)
        elif isinstance(node, list):
            for value in cast("list[object]", node):
                yield from references(value)

    for reference in references(document):
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        assert found
