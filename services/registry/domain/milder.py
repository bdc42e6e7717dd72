"""从旧兼从轻: later law reaches a decision only where it removes or mitigates a punishment."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from services.registry.domain.resolution import Directive, Refusal, Resolution, is_punishment
from shared.contracts.event import MeasureId
from shared.contracts.lawbook import (
    Duty,
    Force,
    Measure,
)
from shared.contracts.response import RefusalReason


def milder(then: Resolution, today: Resolution, day: date) -> Resolution:
    """Punishments that follow by both laws, each in the milder of both editions. What is no punishment stays as it was.

    `then`: by the law of the decision. `today`: by the law of today, whose first day is `day`.
    """
    still: dict[MeasureId, list[Directive]] = {}
    for directive in today.directives:
        still.setdefault(directive.measure.measure_id, []).append(directive)
    reasons = {refusal.measure.measure_id: refusal.reason for refusal in today.refusals}
    kept: list[Directive] = []
    removed: dict[MeasureId, Refusal] = {}
    judged: set[MeasureId] = set()
    for directive in then.directives:
        measure = directive.measure
        if not is_punishment(measure.kind):
            kept.append(directive)
        elif measure.measure_id not in still:
            reason = reasons.get(measure.measure_id, RefusalReason.NO_LONGER_FOLLOWS)
            removed[measure.measure_id] = Refusal(measure, reason)
        elif measure.measure_id not in judged:
            judged.add(measure.measure_id)
            kept.extend(_in_milder_edition(directive, still[measure.measure_id], day))
    policies = tuple(dict.fromkeys((*then.policies, *today.policies)))
    return Resolution(tuple(kept), (*then.refusals, *removed.values()), policies)


def _in_milder_edition(then: Directive, today: Sequence[Directive], day: date) -> Iterator[Directive]:
    """The departments are those of today's law. The edition that they carry out is the milder of the two."""
    if _mitigates(today[0].measure, then.measure):
        yield from (replace(directive, milder_on=day) for directive in today)
        return
    for directive in today:
        line = then.line.model_copy(update={"implementer_category": directive.line.implementer_category})
        yield replace(then, department=directive.department, line=line)


def _mitigates(new: Measure, old: Measure) -> bool:
    """Whether the new edition is the same measure with less force or duty.

    No rule can tell whether another text is milder: an edition with another text does not apply to earlier decisions.
    """
    same = new.text_zh == old.text_zh and new.works == old.works and new.kind == old.kind
    not_harsher = _WEIGHT[new.force] <= _WEIGHT[old.force] and _WEIGHT[new.duty] <= _WEIGHT[old.duty]
    lighter = _WEIGHT[new.force] + _WEIGHT[new.duty] < _WEIGHT[old.force] + _WEIGHT[old.duty]
    return same and not_harsher and lighter


_WEIGHT = {Force.MANDATORY: 1, Force.RECOMMENDED: 0, Duty.OWED: 1, Duty.INVITED: 0}
