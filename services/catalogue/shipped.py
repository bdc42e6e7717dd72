"""The law book that ships: YAML files in `data/`, read into the contract models, whole or not at all.

Every mistake in the files is told at once, by file and id; an unknown field is a mistake, a reference that leads
nowhere is one. The order of departments, domains, instruments, measures, policies is one in which references resolve.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeVar, cast

import yaml
from pydantic import ValidationError

from shared.contracts.event import Contract
from shared.contracts.lawbook import (
    Department,
    DepartmentPublished,
    Domain,
    DomainPublished,
    Instrument,
    InstrumentPublished,
    LawbookChange,
    Measure,
    MeasurePublished,
    Policy,
    PolicyPublished,
    Undoing,
)

DATA = Path(__file__).parent / "data"
DOCUMENTS = DATA / "documents"
"""The official documents, plain text, named by document number."""

UNCONFIRMED = "measures_unconfirmed.yaml"

# Where the words of the document stand that led to the settings; for the reader of the file, not part of the contract.
_FOR_THE_READER = frozenset({"source"})


class Matter(Contract):
    """A matter (事项) in which a check is due: a code with its names (row 11)."""

    matter: str
    name_zh: str
    name_en: str


_Model = TypeVar("_Model", Department, Domain, Instrument, Measure, Policy, Matter)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a file, at the item with this id."""

    file: str
    item: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.item}: {self.what}"


class ShippedLawBookInvalid(Exception):
    """The files do not make a law book; `problems` lists every reason."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Shipped:
    """The law book that ships, in the order in which it can be published."""

    departments: tuple[Department, ...]
    domains: tuple[Domain, ...]
    instruments: tuple[Instrument, ...]
    measures: tuple[Measure, ...]
    policies: tuple[Policy, ...]
    matters: tuple[Matter, ...]

    def changes(self, after: int = 0) -> tuple[LawbookChange, ...]:
        """The events that publish all of it, numbered from law book version `after` + 1."""
        version = count(after + 1)
        return (
            *(DepartmentPublished(lawbook_version=next(version), department=d) for d in self.departments),
            *(DomainPublished(lawbook_version=next(version), domain=d) for d in self.domains),
            *(InstrumentPublished(lawbook_version=next(version), instrument=i) for i in self.instruments),
            *(MeasurePublished(lawbook_version=next(version), measure=m) for m in self.measures),
            *(PolicyPublished(lawbook_version=next(version), policy=p) for p in self.policies),
        )


def shipped(folder: Path = DATA) -> Shipped:
    """What the files say. Raises `ShippedLawBookInvalid` with every problem at once."""
    problems: list[Problem] = []
    book = Shipped(
        departments=_read(folder, "departments.yaml", Department, problems),
        domains=_read(folder, "domains.yaml", Domain, problems),
        instruments=_read(folder, "instruments.yaml", Instrument, problems),
        measures=_read(folder, "measures.yaml", Measure, problems),
        policies=_read(folder, "policies.yaml", Policy, problems),
        matters=_read(folder, "matters.yaml", Matter, problems),
    )
    problems += _dangling(book)
    problems += (p for measure in book.measures for p in _incomplete(measure, "measures.yaml"))
    if problems:
        raise ShippedLawBookInvalid(problems)
    return book


def unconfirmed_measures(folder: Path = DATA) -> tuple[Measure, ...]:
    """Measures of the same documents that bind nobody yet: the credit office must choose implementers and domains.

    They are no part of the law book. Raises `ShippedLawBookInvalid`.
    """
    problems: list[Problem] = []
    measures = _read(folder, UNCONFIRMED, Measure, problems)
    problems += (p for measure in measures for p in _incomplete(measure, UNCONFIRMED))
    problems += (
        Problem(UNCONFIRMED, measure.measure_id, "is published, which only the credit office can decide")
        for measure in measures
        if measure.published
    )
    if problems:
        raise ShippedLawBookInvalid(problems)
    return measures


def _read(folder: Path, file: str, model: type[_Model], problems: list[Problem]) -> tuple[_Model, ...]:
    """The items of a file; what cannot be read is added to `problems` and left out."""
    try:
        content: object = yaml.safe_load((folder / file).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        problems.append(Problem(file, "-", f"cannot be read: {error}"))
        return ()
    top = cast("dict[str, object]", content) if isinstance(content, dict) else {}
    items = top.get(file.partition(".")[0].partition("_")[0])
    if len(top) != 1 or not isinstance(items, list):
        problems.append(Problem(file, "-", "is not one list under the name of the file"))
        return ()
    found = [_item(file, item, model, problems) for item in cast("list[object]", items)]
    models = tuple(item for item in found if item is not None)
    counted = Counter(_identity(item) for item in models)
    problems += (Problem(file, identity, "stands there more than once") for identity, n in counted.items() if n > 1)
    return models


def _item(file: str, item: object, model: type[_Model], problems: list[Problem]) -> _Model | None:
    if not isinstance(item, dict):
        problems.append(Problem(file, "-", f"is not a mapping: {item!r}"))
        return None
    fields = cast("dict[str, object]", item)
    name = str(next(iter(fields.values()), "-"))
    # Contracts ignore what they do not know, so that events can grow; in these files it would be a slip of the pen.
    given = {field: value for field, value in fields.items() if field not in _FOR_THE_READER}
    problems += (Problem(file, name, f"unknown field {path}") for path in _unknown(given, model))
    try:
        return model.model_validate(given)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            problems.append(Problem(file, name, f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"))
        return None


def _unknown(given: dict[str, object], model: type[Contract], path: str = "") -> Iterator[str]:
    """The fields in `given` that the model or a model inside it does not have."""
    for field, value in given.items():
        if field not in model.model_fields:
            yield f"{path}{field}"
            continue
        annotation = model.model_fields[field].annotation
        inner = next((t for t in (annotation, *_arguments(annotation)) if _is_contract(t)), None)
        if inner is None:
            continue
        for part in cast("list[object]", value) if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                yield from _unknown(cast("dict[str, object]", part), cast("type[Contract]", inner), f"{path}{field}.")


def _arguments(annotation: object) -> tuple[object, ...]:
    return cast("tuple[object, ...]", getattr(annotation, "__args__", ()))


def _is_contract(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Contract)


def _identity(item: Department | Domain | Instrument | Measure | Policy | Matter) -> str:
    match item:
        case Department():
            return item.department_id
        case Domain():
            return item.domain_id
        case Instrument():
            return f"{item.instrument_id} version {item.version}"
        case Measure():
            return f"{item.measure_id} version {item.version}"
        case Policy():
            return f"{item.policy_id} version {item.version}"
        case Matter():
            return item.matter


def _dangling(book: Shipped) -> Iterator[Problem]:
    """References that lead nowhere."""
    departments = {department.department_id for department in book.departments}
    domains = {domain.domain_id: domain for domain in book.domains}
    instruments = {instrument.instrument_id for instrument in book.instruments}
    matters = {matter.matter for matter in book.matters}
    for domain in book.domains:
        for department in {*domain.may_list, *domain.may_publish} - departments:
            yield Problem("domains.yaml", domain.domain_id, f"unknown department {department}")
    for measure in book.measures:
        unknown = [f"unknown department {d}" for d in measure.implementers if d not in departments]
        unknown += [f"unknown domain {d}" for d in measure.target.domains if d not in domains]
        unknown += [f"unknown matter {m}" for m in measure.matters if m not in matters]
        if measure.instrument_id not in instruments:
            unknown.append(f"unknown instrument {measure.instrument_id}")
        unknown += _unreachable(measure, [domains[d] for d in measure.target.domains if d in domains])
        yield from (Problem("measures.yaml", measure.measure_id, what) for what in unknown)
    for policy in book.policies:
        for domain_id in set(policy.domains) - set(domains):
            yield Problem("policies.yaml", policy.policy_id, f"unknown domain {domain_id}")


def _unreachable(measure: Measure, domains: list[Domain]) -> Iterator[str]:
    """Lists and grades that no targeted domain keeps."""
    if not domains:
        return
    kept = {kind for domain in domains for kind in domain.lists}
    grades = {grade.code for domain in domains for grade in domain.grades}
    yield from (f"no targeted domain keeps a {kind} list" for kind in measure.target.lists if kind not in kept)
    yield from (f"no targeted domain has the grade {grade}" for grade in measure.target.grades if grade not in grades)


def _incomplete(measure: Measure, file: str) -> Iterator[Problem]:
    """What a measure must say, and the contract leaves free."""
    if Undoing.NOTHING in (measure.on_end, measure.on_error) and not measure.nothing_to_undo_because:
        yield Problem(file, measure.measure_id, "has nothing to undo and does not say why")
    if not measure.basis:
        yield Problem(file, measure.measure_id, "has no legal basis")
    if measure.published and not measure.implementers:
        yield Problem(file, measure.measure_id, "is published and nobody implements it")
    for setting in measure.example_settings:
        if setting.partition(".")[0] not in Measure.model_fields:
            yield Problem(file, measure.measure_id, f"example_settings names an unknown field {setting}")
