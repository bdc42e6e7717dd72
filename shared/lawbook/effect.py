"""Items in effect: an item as it was published, with what the book recorded about it since.

A published item is never changed. Its retirement, the confirmation of its example settings, and the current meaning of its legal
bases and categories of implementers are recorded elsewhere in the book. They are applied here, so that a reader of a measure
sees all of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import cast

from shared.contracts.directory import Basis, BasisId, LegalBasis
from shared.contracts.event import Contract, DepartmentId
from shared.contracts.lawbook import (
    Department,
    Domain,
    Measure,
)
from shared.contracts.policy import Policy, Setting
from shared.lawbook.items import I, Item, ends, shape_of, with_fields

POLICY_GROUPS = ("substance", "procedure", "execution")


def retired(item: I, last_day: date) -> I:
    """The item with this last day, unless it has an earlier end. An item that begins after it is never in effect.

    No department may list in a retired domain, and a retired department belongs to no category.
    """
    end = min(ends(item) or last_day, last_day)
    if isinstance(item, Domain):
        return with_fields(item, retired_on=end, may_list=(), may_publish=(), may_decide=())
    if isinstance(item, Department):
        return with_fields(item, retired_on=end, categories=(), credit_office=False)
    return with_fields(item, **{shape_of(item).ends: end})


def open_settings(item: Item) -> tuple[str, ...]:
    """The settings that a person must still confirm: `target.domains`; of a policy also `procedure.plea_working_days`."""
    named = cast("tuple[str, ...]", getattr(item, "example_settings", ()))
    if not isinstance(item, Policy):
        return named
    return (*named, *(name for name, setting in _settings(item) if setting.example))


def _settings(policy: Policy) -> list[tuple[str, Setting[object]]]:
    groups = [(group, cast("Contract", getattr(policy, group))) for group in POLICY_GROUPS]
    return [
        (f"{group}.{name}", cast("Setting[object]", value))
        for group, settings in groups
        for name in type(settings).model_fields
        if isinstance(value := getattr(settings, name), Setting)
    ]


def confirmed(item: I, settings: Iterable[str]) -> I:
    """The item with these settings no longer marked as examples."""
    known = frozenset(settings)
    if not known or not hasattr(item, "example_settings"):
        return item
    left = tuple(name for name in cast("tuple[str, ...]", getattr(item, "example_settings")) if name not in known)  # noqa: B009
    item = with_fields(item, example_settings=left)
    return with_fields(item, **_groups_confirmed(item, known)) if isinstance(item, Policy) else item


def _groups_confirmed(policy: Policy, known: frozenset[str]) -> dict[str, Contract]:
    changed: dict[str, dict[str, object]] = {}
    for name, setting in _settings(policy):
        if name in known and setting.example:
            group, _, field = name.partition(".")
            changed.setdefault(group, {})[field] = setting.model_copy(update={"example": False})
    return {g: cast("Contract", getattr(policy, g)).model_copy(update=fields) for g, fields in changed.items()}


def with_bases_and_implementers(
    measure: Measure, bases: Mapping[BasisId, tuple[LegalBasis, ...]], implementers: Sequence[DepartmentId]
) -> Measure:
    """The measure with every version of its legal bases, and with all its implementers, categories resolved."""
    cited = [basis for basis_id in measure.basis_ids for basis in _cited(bases.get(basis_id, ()))]
    each_once = tuple(dict.fromkeys(implementers))
    if not cited and each_once == measure.implementers:
        return measure
    return with_fields(measure, basis=(*measure.basis, *cited), implementers=each_once)


def _cited(versions: tuple[LegalBasis, ...]) -> list[Basis]:
    """Every version of a basis. A version without an end ends the day before the next one begins."""
    last_days = [later.valid_from - timedelta(days=1) for later in versions[1:]]
    ends_by = [*last_days, None]
    return [
        version.as_cited().model_copy(update={"valid_to": version.valid_to or end})
        for version, end in zip(versions, ends_by, strict=False)
    ]
