"""How two versions of an item differ, field by field; and two editions of a list of measures, measure by measure (row 4)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from pydantic import BaseModel, Field

from shared.contracts.lawbook import MeasureList
from shared.lawbook.items import Item


class Difference(BaseModel):
    """A field that is not the same. A value that is null is not there."""

    field: str = Field(description="`target.domains[1]`")
    was: object
    now: object


class ClassChange(BaseModel):
    """A measure that went from one class to the other (强制性、推荐性), or came in another version."""

    measure_id: str
    was: str
    now: str


class ListComparison(BaseModel):
    """How two editions of a list of measures differ."""

    added: list[str]
    removed: list[str]
    reclassified: list[ClassChange]
    reworded: list[ClassChange] = Field(description="Listed in another version: `1` → `2`")


def differences(before: Item, after: Item) -> list[Difference]:
    """Every field in which they differ, in the order of the fields; the version itself is none."""
    was, now = before.model_dump(mode="json"), after.model_dump(mode="json")
    was.pop("version", None)
    now.pop("version", None)
    return list(_differences("", was, now))


def _differences(path: str, was: object, now: object) -> Iterator[Difference]:
    if was == now:
        return
    before, after = _parts(was), _parts(now)
    if before is None or after is None:
        yield Difference(field=path, was=was, now=now)
        return
    for step in dict.fromkeys((*before, *after)):
        yield from _differences(f"{path}{step}".removeprefix("."), before.get(step), after.get(step))


def _parts(value: object) -> Mapping[str, object] | None:
    """A record by its fields, a list of records by its places; a list of ids is one value."""
    if isinstance(value, dict):
        return {f".{name}": one for name, one in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        rows = cast("Sequence[object]", value)
        return {f"[{nth}]": one for nth, one in enumerate(rows)} if any(isinstance(r, dict) for r in rows) else None
    return None


def compare_lists(before: MeasureList, after: MeasureList) -> ListComparison:
    """Two editions of a list, by measure."""
    was, now = _classes(before), _classes(after)
    both = [measure for measure in was if measure in now]
    return ListComparison(
        added=[measure for measure in now if measure not in was],
        removed=[measure for measure in was if measure not in now],
        reclassified=[
            ClassChange(measure_id=one, was=was[one][0], now=now[one][0]) for one in both if was[one][0] != now[one][0]
        ],
        reworded=[
            ClassChange(measure_id=one, was=str(was[one][1]), now=str(now[one][1]))
            for one in both
            if was[one][1] != now[one][1]
        ],
    )


def _classes(listed: MeasureList) -> dict[str, tuple[str, int]]:
    mandatory = {one.measure_id: ("mandatory", one.version) for one in listed.mandatory}
    return {**mandatory, **{one.measure_id: ("recommended", one.version) for one in listed.recommended}}
