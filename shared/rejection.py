"""Rejections: faults with code, field and facts. The texts in two languages are data (shared/web/wording)."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Named:
    """A fact with a name in each language, such as a domain of the law book: programs get the id, people the name."""

    id: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One violated rule.

    `code` identifies the text. `field` is the JSON path of the wrong input (`decision.decided_on`), or None when no single field
    is wrong. `facts` fill the text: counts, dates, ids; never a personal number.
    """

    code: str
    field: str | None = None
    facts: dict[str, object] = dataclasses.field(default_factory=dict[str, object])


_SHOWN = 10
"""How many faults the message of the exception names."""


class Rejected(Exception):
    """A command was rejected and nothing was written. Deterministic: on the same state it is rejected again."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{f.code} at {f.field}" if f.field else f.code for f in faults[:_SHOWN]))
        self.faults = faults


def reject(code: str, field: str | None = None, **facts: object) -> Rejected:
    """`raise reject("date_in_future", "decision.decided_on", date=day)`"""
    return Rejected(Fault(code, field, dict(facts)))


def reject_all(faults: Iterable[Fault]) -> None:
    """Raise all faults in one Rejected, so that a person can correct a form in one go. Does nothing when there are none."""
    collected = tuple(faults)
    if collected:
        raise Rejected(*collected)
