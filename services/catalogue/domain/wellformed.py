"""The rules of form of every item: required texts, lengths, ids, regions, numbers."""

import re
from collections.abc import Iterator
from typing import cast

from shared.contracts.directory import Region, is_region_code
from shared.contracts.event import Contract
from shared.contracts.policy import Policy
from shared.lawbook.policy_faults import faults_of
from shared.rejection import Fault

LONGEST_TEXT = 2_000
"""Characters. The longest measure of the documents has about three hundred."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Ids are parts of URLs and of the names of timers and streams."""

_IDS = frozenset(
    {
        *("department_id", "domain_id", "instrument_id", "measure_id", "policy_id"),
        *("category_id", "basis_id", "matter_id", "list_id"),
    }
)
_REGIONS = frozenset({"region", "parent"})
_LEAST = {
    "answer_within_days": 1,
    "undo_within_days": 1,
    "distinct_domains": 1,
    "clean_record_years": 1,
    "feedback_every_months": 1,
    "term_months": 1,
}


def ill_formed(item: Contract) -> Iterator[Fault]:
    """The faults in form of an item and of all its parts; of a policy also its contradictions."""
    if isinstance(item, Policy):
        yield from faults_of(item)
    if isinstance(item, Region) and not is_region_code(item.code):
        yield Fault("jurisdiction_not_a_region", "code")
    for name, field in type(item).model_fields.items():
        yield from _value_faults(name, getattr(item, name), required=field.is_required())


def _value_faults(path: str, value: object, *, required: bool) -> Iterator[Fault]:
    name = path.rpartition(".")[2]
    match value:
        case str():
            yield from _text_faults(path, name, value, required=required)
        case bool():
            return
        case int() if value < _LEAST.get(name, value):
            yield Fault("number_too_small", path, {"least": _LEAST[name]})
        case Contract():
            yield from (Fault(f.code, f"{path}.{f.field}", f.facts) for f in ill_formed(value))
        case tuple():
            for nth, one in enumerate(cast("tuple[object, ...]", value)):
                yield from _value_faults(f"{path}[{nth}]", one, required=True)
        case dict():
            for key, one in cast("dict[str, object]", value).items():
                yield from _value_faults(f"{path}.{key}", one, required=True)
        case _:
            return


def _text_faults(path: str, name: str, value: str, *, required: bool) -> Iterator[Fault]:
    if required and not value.strip():
        yield Fault("field_missing", path)
    elif len(value) > LONGEST_TEXT:
        yield Fault("text_too_long", path, {"limit": LONGEST_TEXT})
    elif name in _IDS and not _ID.fullmatch(value):
        yield Fault("id_unusable", path)
    elif name in _REGIONS and not is_region_code(value):
        yield Fault("jurisdiction_not_a_region", path)
