"""Differences of two versions of an item, field by field; of two editions of a list of measures, measure by measure (row 4)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from shared.contracts.lawbook import MeasureList
from shared.lawbook.items import Item


@dataclass(frozen=True, slots=True)
class Difference:
    """A field whose value differs. None: the field is not in that version.

    `field`: its path, `target.domains[1]`. `was` and `now` are JSON values.
    """

    field: str
    was: object
    now: object


@dataclass(frozen=True, slots=True)
class MeasureChange:
    """A measure that is in both editions, in another class (强制性、推荐性) or in another version."""

    measure_id: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class ListComparison:
    """The differences of two editions of a list of measures.

    `reclassified`: from `mandatory` to `recommended` or back. `reworded`: listed in another version, `1` → `2`.
    """

    added: list[str]
    removed: list[str]
    reclassified: list[MeasureChange]
    reworded: list[MeasureChange]


def differences(before: Item, after: Item) -> list[Difference]:
    """Every field in which they differ, in the order of the fields. The field `version` is left out."""
    was, now = before.model_dump(mode="json"), after.model_dump(mode="json")
    was.pop("version", None)
    now.pop("version", None)
    return list(_differences("", was, now))


def _differences(path: str, was: object, now: object) -> Iterator[Difference]:
    if was == now:
        return
    before, after = _parts(was), _parts(now)
    if before is None or after is None:
        yield Difference(path, was, now)
        return
    for step in dict.fromkeys((*before, *after)):
        yield from _differences(f"{path}{step}".removeprefix("."), before.get(step), after.get(step))


def _parts(value: object) -> Mapping[str, object] | None:
    """A record by its fields, a list of records by index. None for a single value; a list of ids counts as one value."""
    if isinstance(value, dict):
        return {f".{name}": part for name, part in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        rows = cast("Sequence[object]", value)
        return {f"[{nth}]": row for nth, row in enumerate(rows)} if any(isinstance(r, dict) for r in rows) else None
    return None


def compare_lists(before: MeasureList, after: MeasureList) -> ListComparison:
    """Two editions of a list, by measure."""
    was, now = _classes(before), _classes(after)
    both = [measure_id for measure_id in was if measure_id in now]
    return ListComparison(
        added=[measure_id for measure_id in now if measure_id not in was],
        removed=[measure_id for measure_id in was if measure_id not in now],
        reclassified=[MeasureChange(m, was[m][0], now[m][0]) for m in both if was[m][0] != now[m][0]],
        reworded=[MeasureChange(m, str(was[m][1]), str(now[m][1])) for m in both if was[m][1] != now[m][1]],
    )


def _classes(edition: MeasureList) -> dict[str, tuple[str, int]]:
    """Measure id → class and version."""
    mandatory = {listed.measure_id: ("mandatory", listed.version) for listed in edition.mandatory}
    return {**mandatory, **{listed.measure_id: ("recommended", listed.version) for listed in edition.recommended}}
