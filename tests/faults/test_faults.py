"""After faults of processes, servers and clocks: nothing is lost, nothing is done twice, and every loop closes."""

import asyncio
import random

import httpx
import pytest
from sqlalchemy import text

from liandong.node import SERVICES
from liandong.soak import faults
from liandong.soak.instance import Instance
from liandong.soak.load import Load
from liandong.soak.system import System
from liandong.soak.verdict import folds
from shared.trust import OfficerRole
from tests.faults.conftest import UnderLoad

pytestmark = pytest.mark.fault

_ASSIGNMENT_SECONDS = 60


async def _entries_at(victim: System, service: str) -> int:
    async with victim.engines[service].connect() as connection:
        return await connection.scalar(text("SELECT count(*) FROM entries")) or 0


async def _flowing(victim: System, load: Load) -> None:
    """Return when entries of the current round have reached the registry, and more will follow."""
    before = await _entries_at(victim, "registry")
    while await _entries_at(victim, "registry") <= before:
        await asyncio.sleep(0.05)


async def _read_by(victim: System, instance: Instance) -> tuple[int, int]:
    """The number of partitions that this instance reads, and the number of all partitions."""
    token = victim.issuer.issue(None, [OfficerRole.OPERATOR], "faults")
    async with httpx.AsyncClient(base_url=instance.address, trust_env=False) as http:
        response = await http.get("/v1/operations/state", headers={"Authorization": f"Bearer {token}"})
    partitions = response.raise_for_status().json()["partitions"]
    return sum(place["lag"] is not None for place in partitions), len(partitions)


async def _partitions_assigned(victim: System, service: str) -> None:
    """Return when every instance of a service reads partitions, and each partition is read by one of them.

    A consumer group assigns partitions to a new member only after the next heartbeat of the old ones, some seconds later.
    """
    shares: list[tuple[int, int]] = []
    try:
        async with asyncio.timeout(_ASSIGNMENT_SECONDS):
            while True:
                shares = [await _read_by(victim, one) for one in victim.instances[service]]
                if all(own for own, _ in shares) and sum(own for own, _ in shares) == shares[0][1]:
                    return
                await asyncio.sleep(0.2)
    except TimeoutError:
        pytest.fail(f"{service}: its instances read {shares} (own, all) partitions")


async def test_every_service_is_killed_while_entries_flow(
    victim: System, load: Load, under_load: UnderLoad, chance: random.Random
) -> None:
    order = chance.sample(SERVICES, len(SERVICES))
    async with under_load():
        await _flowing(victim, load)
        for service in order:
            await asyncio.sleep(chance.uniform(0.0, 1.0))
            victim.instances[service][0].kill()
    for service in order:
        assert -9 in victim.instances[service][0].ends


async def test_the_broker_is_killed_under_load(
    victim: System, load: Load, under_load: UnderLoad, chance: random.Random
) -> None:
    async with under_load():
        await _flowing(victim, load)
        await faults.kill_broker(victim, chance)


async def test_the_database_is_killed_and_restarted_under_load(
    victim: System, load: Load, under_load: UnderLoad, chance: random.Random
) -> None:
    async with under_load():
        await _flowing(victim, load)
        await faults.kill_database(victim, chance)
        await _flowing(victim, load)
        await faults.restart_database(victim, chance)


async def test_connections_are_cut_and_disks_fill_under_load_and_nothing_is_parked(
    victim: System, load: Load, under_load: UnderLoad, chance: random.Random
) -> None:
    """Events that fail because of an outage are retried, not parked; `at_rest` includes that no event is parked."""
    async with under_load():
        await _flowing(victim, load)
        for _ in range(8):
            await faults.cut_connections(victim, chance)
            await faults.cut_leader(victim, chance)
            await asyncio.sleep(chance.uniform(0.0, 0.4))
        for service in SERVICES:
            async with faults.disk_full(victim.engines[service]):
                await asyncio.sleep(chance.uniform(0.2, 0.8))


async def test_old_records_that_are_sent_again_change_nothing(
    victim: System, load: Load, under_load: UnderLoad, chance: random.Random
) -> None:
    async with under_load():
        await _flowing(victim, load)
        for _ in range(4):
            await faults.repeat_records(victim, chance)


async def test_of_two_instances_of_each_service_one_takes_over_when_the_other_is_killed(
    victim: System, load: Load, under_load: UnderLoad
) -> None:
    """The second instances stay, and are used by the following tests."""
    for service in SERVICES:
        victim.add(service)
    await victim.start_services()
    async with under_load():
        await _flowing(victim, load)
        for service in ("registry", "executor", "feedback"):
            await _partitions_assigned(victim, service)
        for service in SERVICES:
            await victim.instances[service].pop(0).stop(at_once=True)
        await _flowing(victim, load)


async def test_clocks_step_past_terms_while_revocations_arrive(
    victim: System, load: Load, under_load: UnderLoad, chance: random.Random
) -> None:
    """Terms end by timer while officers revoke, repair and object: each entry ends once."""
    async with under_load():
        await _flowing(victim, load)
        for days in (25, 0.5, 20):
            await faults.step_clock(victim, chance, days)
            await asyncio.sleep(chance.uniform(0.5, 1.5))


async def test_after_all_faults_every_read_model_equals_a_fold_of_the_log(victim: System) -> None:
    assert await folds(victim.engines, victim.settings) == []
