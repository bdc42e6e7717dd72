"""What an item says in effect: as it was published, with what the book came to say about it since.

An item is never changed. That it was retired, that its example settings were confirmed, what its legal bases and its kinds
of implementers stand for today, are said elsewhere in the book, and put in here, so that whoever reads a measure reads all.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import cast

from shared.contracts.directory import Basis, BasisId, LegalBasis
from shared.contracts.event import Contract, DepartmentId
from shared.contracts.lawbook import Department, Domain, Measure
from shared.contracts.policy import Policy, Setting
from shared.lawbook.items import I, Item, ends, shape_of, with_fields

POLICY_GROUPS = ("substance", "procedure", "execution")


def retired(item: I, last_day: date) -> I:
    """The item with its end, unless it ended earlier by itself; what had not begun by then never holds.

    Nobody may list any longer in a domain that ended, and a department that ended is of no kind any more.
    """
    end = min(ends(item) or last_day, last_day)
    if isinstance(item, Domain):
        return with_fields(item, retired_on=end, may_list=(), may_publish=(), may_decide=())
    if isinstance(item, Department):
        return with_fields(item, retired_on=end, categories=(), credit_office=False)
    return with_fields(item, **{shape_of(item).ends: end})


def open_settings(item: Item) -> tuple[str, ...]:
    """The names of the settings that somebody must confirm: `target.domains`; of a policy also `procedure.plea_working_days`."""
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
    """The item without the mark of an example on these settings."""
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


def bound(
    measure: Measure, bases: Mapping[BasisId, tuple[LegalBasis, ...]], implementers: Sequence[DepartmentId]
) -> Measure:
    """The measure with its legal bases, every version of each, and with all who may carry it out, kinds resolved."""
    cited = [basis for basis_id in measure.basis_ids for basis in _cited(bases.get(basis_id, ()))]
    who = tuple(dict.fromkeys(implementers))
    if not cited and who == measure.implementers:
        return measure
    return with_fields(measure, basis=(*measure.basis, *cited), implementers=who)


def _cited(versions: tuple[LegalBasis, ...]) -> list[Basis]:
    """Every version of a basis; one without an end ends where the next one begins."""
    following = [later.valid_from - timedelta(days=1) for later in versions[1:]]
    ends_by = [*following, None]
    return [
        version.as_cited().model_copy(update={"valid_to": version.valid_to or end})
        for version, end in zip(versions, ends_by, strict=False)
    ]
