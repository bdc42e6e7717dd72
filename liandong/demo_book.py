"""The law book of the demo and of the benchmarks. It is pinned: figures stay comparable while the shipped book grows.

`demo/measures.yaml` has all measures that apply to a list of the demo. Policies of Luoyang and of the state are named here by
version: a version that ships later changes no figure until it is named here. Everything else is as it ships.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import cast

from services.catalogue.files.reading import read
from services.catalogue.files.shipped import Shipped, shipped
from shared.contracts.lawbook import Measure
from shared.contracts.policy import Policy

MEASURES = Path(__file__).with_name("demo") / "measures.yaml"

_PLACES = frozenset({"000000", "410300"})
"""The regions whose law governs an entry of the demo: the state and Luoyang."""
_POLICIES = frozenset(
    {
        ("luoyang-2017", 1),
        ("state-2016", 1),
        ("state-publicity-and-repair", 1),
        ("state-publicity-and-repair", 2),
        ("state-repair-2025", 1),
        ("state-tax-2016", 1),
    }
)


@cache
def demo_book() -> Shipped:
    """What the demo loads. It has no lists of measures (措施清单): they name measures that it leaves out."""
    ships, pinned = shipped(), pinned_measures()
    known = {measure.measure_id for measure in pinned}
    governs_here = {one.instrument_id for one in ships.instruments if one.region in _PLACES}
    elsewhere = (m for m in ships.measures if m.measure_id not in known and m.instrument_id not in governs_here)
    return replace(
        ships,
        measures=(*pinned, *elsewhere),
        policies=tuple(filter(_applies, ships.policies)),
        measure_lists=(),
    )


def pinned_measures() -> tuple[Measure, ...]:
    with MEASURES.open("rb") as opened:
        return tuple(cast("Measure", placed.item) for placed in read(opened, None).items)


def _applies(policy: Policy) -> bool:
    return policy.region not in _PLACES or (policy.policy_id, policy.version) in _POLICIES
