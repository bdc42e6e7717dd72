"""How a decider says no: faults by code, field and facts; the wording in two languages is data (shared/web/wording)."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Named:
    """A fact that has a name in each language, such as a domain of the law book: programs get its id, people its name."""

    id: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    `code` names the wording; `field` is the JSON path of the input that is wrong (`decision.decided_on`), or None when no
    field is; `facts` fill the wording (numbers, dates, ids; never a person's number).
    """

    code: str
    field: str | None = None
    facts: dict[str, object] = dataclasses.field(default_factory=dict[str, object])


class Rejected(Exception):
    """A command was refused and nothing was written. Deterministic: on the same state it is refused again."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{f.code} at {f.field}" if f.field else f.code for f in faults))
        self.faults = faults


def reject(code: str, field: str | None = None, **facts: object) -> Rejected:
    """`raise reject("date_in_future", "decision.decided_on", date=day)`"""
    return Rejected(Fault(code, field, dict(facts)))


def reject_all(faults: Iterable[Fault]) -> None:
    """Raise every fault at once, or nothing when there is none: a person corrects a form in one go."""
    found = tuple(faults)
    if found:
        raise Rejected(*found)
