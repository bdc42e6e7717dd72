"""`liandong verify` finds each state in which the law does not hold: every check fails on a state that was broken on purpose."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from liandong.soak.lawful import lawful
from liandong.soak.verdict import agreement
from shared.contracts.event import EventId
from shared.contracts.lawbook_events import RegionsPublished
from shared.contracts.listing import EntryPublished
from shared.ids import new_event_id
from tests.builders import an_entry, the_regions
from tests.harness import World, eventually, world
from tests.services.test_executor import a_case, lawbook
from tests.stacks import Addresses


@pytest.fixture(scope="module")
async def w(stack: Addresses) -> AsyncIterator[World]:
    async with world(stack, "catalogue", "initiator", "registry", "executor", "feedback", "repair") as made:
        book = lawbook()
        await made.publish_lawbook(*book, RegionsPublished(lawbook_version=len(book) + 1, regions=the_regions()))
        yield made


async def found(w: World) -> list[str]:
    return await lawful({name: service.core.engine for name, service in w.services.items()})


async def broken(w: World, service: str, statement: str, **values: Any) -> None:
    async with w.services[service].core.engine.begin() as connection:
        assert (await connection.execute(text(statement), values)).rowcount != 0, "the statement must change rows"


_UNFLAGGED = """
    UPDATE events SET data = (data::jsonb - 'without_basis')::json WHERE type = 'execution.applied.v1' AND data->>'entry_id' = :id
"""


async def test_an_application_that_hides_that_it_had_no_basis_is_found(w: World) -> None:
    case = await a_case(w)
    await w.publish(case.ended())
    await case.becomes(asks="confirm")
    told = await case.answer("apply", done_at=datetime.now(UTC).isoformat(), evidence="示例实施〔2026〕8号")
    assert told.json()["without_basis"] == "after_end"
    assert await found(w) == []
    await broken(w, "executor", _UNFLAGGED, id=case.facts["entry_id"])
    assert await found(w) == [f"line {case.lines[0]} was applied after_end, and is recorded as lawful"]
    repaired = _UNFLAGGED.replace(
        "data::jsonb - 'without_basis'", """data::jsonb || '{"without_basis": "after_end"}'"""
    )
    await broken(w, "executor", repaired.replace(":", "\\:").replace("\\:id", ":id"), id=case.facts["entry_id"])
    assert await found(w) == []


async def test_an_effect_without_a_basis_that_is_undone_and_answered_anew_is_the_same_in_both_services(
    w: World,
) -> None:
    engines = {name: service.core.engine for name, service in w.services.items()}
    case = await a_case(w)
    await w.publish(case.suspended())
    await case.becomes(suspended=True)
    await case.answer("apply", done_at=datetime.now(UTC).isoformat(), evidence="示例实施〔2026〕8号")

    async def agree() -> bool:
        return not any("undone lines" in one or "without a basis" in one for one in await agreement(engines))

    await eventually(agree, what="the flag is read")
    await case.answer("undo", how="restored", evidence="示例〔2026〕9号")
    await eventually(agree, what="the undoing is read")
    await w.publish(case.resumed())
    await case.becomes(suspended=False)
    assert (await case.answer("not-applicable", reason="示例")).status_code == 200
    await eventually(agree, what="the answer is read")
    await w.publish(case.ended())
    await case.becomes(state="undone", asks="nothing")
    await eventually(agree, what="the end is read")


async def test_a_flag_that_the_ledger_does_not_show_is_found(w: World) -> None:
    """Feedback is emptied of the flag: the two services disagree about it."""
    engines = {name: service.core.engine for name, service in w.services.items()}
    await broken(w, "feedback", "UPDATE lines SET without_basis = NULL WHERE without_basis IS NOT NULL")
    assert any("lines applied without a basis at executor" in sentence for sentence in await agreement(engines))


async def test_a_measure_in_force_whose_basis_was_gone_when_it_was_applied_is_found(w: World) -> None:
    case = await a_case(w)
    await case.answer("apply")
    assert await found(w) == []
    gone = "UPDATE tasks SET done_at = '2019-12-30' WHERE task_id = :id"
    expire = """
        UPDATE directions SET directed = replace(directed::text, '"basis_valid_to":null', '"basis_valid_to":"2019-01-01"')::json
        WHERE entry_id = :id
    """
    await broken(w, "executor", expire.replace('":', '"\\:'), id=case.facts["entry_id"])
    await broken(w, "executor", gone, id=case.lines[0])
    assert await found(w) == [f"line {case.lines[0]} is in force, and its basis was gone: basis_not_valid"]
    await broken(w, "executor", "DELETE FROM tasks WHERE task_id = :id", id=case.lines[0])


_INSERT = """
    INSERT INTO events (stream, version, event_id, type, data, metadata, effective_at)
    VALUES (:stream, 1, CAST(:event_id AS uuid), :type, CAST(:data AS json), '{}', now())
"""


@pytest.mark.parametrize(("region", "lawful_there"), [("410308", True), ("410900", False), ("999999", False)])
async def test_an_entry_outside_the_region_of_its_department_is_found(
    w: World, region: str, lawful_there: bool
) -> None:
    entry = an_entry(new_event_id(), jurisdiction=region)
    published = EntryPublished(
        entry_id=entry.entry_id,
        subject=entry.subject.key,
        lawbook_version=len(lawbook()) + 1,
        entry=entry,
    )
    values = {"stream": f"entry-{entry.entry_id}", "event_id": EventId(new_event_id()), "type": published.TYPE}
    await broken(w, "initiator", _INSERT, data=published.model_dump_json(), **values)
    sentence = f"1 entries such as {entry.entry_id} are listed in {region}, for which example-tax is not responsible"
    assert (sentence in await found(w)) is not lawful_there
