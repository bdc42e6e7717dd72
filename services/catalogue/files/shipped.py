"""The law book that ships with the project: files in `data/`, validated by the rules of the catalogue, as a whole.

Every mistake in the files is reported at once, by file and place. What no document states is an example (`example_settings`),
which a credit office must confirm.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from services.catalogue.domain.book import Publish, changes
from services.catalogue.domain.content import Content, Placed
from services.catalogue.files.reading import Read, read
from shared.contracts.directory import Category, LegalBasis, Matter, Region
from shared.contracts.lawbook import (
    Department,
    Domain,
    Instrument,
    Measure,
    MeasureList,
)
from shared.contracts.lawbook_events import LawbookChange
from shared.contracts.policy import Policy
from shared.lawbook.book import LawBook
from shared.lawbook.items import publications
from shared.rejection import Fault, Rejected

DATA = Path(__file__).parents[1] / "data"
DOCUMENTS = DATA / "documents"
"""The official documents as plain text, named by document number."""

_SHEETS = {"regions.csv": "regions"}
"""CSV file → kind of its rows."""
_ANY_DAY = date(2026, 1, 1)
"""The day of publication. It does not matter, because the files retire no item."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault, with its file and place."""

    file: str
    place: str
    code: str
    facts: str

    def __str__(self) -> str:
        return f"{self.file}: {self.place}: {self.code} {self.facts}".rstrip()


class ShippedLawBookInvalid(Exception):
    """The files are not a valid law book. `problems` has every fault."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Shipped:
    """A law book, by kind."""

    departments: tuple[Department, ...]
    domains: tuple[Domain, ...]
    instruments: tuple[Instrument, ...]
    measures: tuple[Measure, ...]
    policies: tuple[Policy, ...]
    matters: tuple[Matter, ...]
    regions: tuple[Region, ...] = ()
    categories: tuple[Category, ...] = ()
    bases: tuple[LegalBasis, ...] = ()
    measure_lists: tuple[MeasureList, ...] = ()

    def content(self) -> Content:
        """All of it, as the content of a draft."""
        return Content(
            regions=self.regions,
            categories=self.categories,
            departments=self.departments,
            domains=self.domains,
            bases=self.bases,
            memoranda=self.instruments,
            matters=self.matters,
            measures=self.measures,
            measure_lists=self.measure_lists,
            policies=self.policies,
        )

    def changes(self, after: int = 0) -> tuple[LawbookChange, ...]:
        """The events that publish all of it, with law book versions from `after` + 1 on."""
        return tuple(publications((item for _, item in self.content().placed()), after))


def shipped(folder: Path = DATA) -> Shipped:
    """The law book in these files. Raises `ShippedLawBookInvalid` with every problem."""
    problems: list[Problem] = []
    placed = [
        Placed(f"{file}: {place}", item) for file in _files(folder) for place, item in _read(folder, file, problems)
    ]
    problems += _invalid(placed)
    if problems:
        raise ShippedLawBookInvalid(problems)
    found = Content.of(item for _, item in placed)
    return Shipped(
        regions=found.regions,
        categories=found.categories,
        departments=found.departments,
        domains=found.domains,
        bases=found.bases,
        instruments=found.memoranda,
        matters=found.matters,
        measures=found.measures,
        measure_lists=found.measure_lists,
        policies=found.policies,
    )


def _files(folder: Path) -> list[str]:
    """The files of Luoyang first, then by name. This order of the items is part of the shipped law book."""
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*.yaml")]
    return [*_SHEETS, *sorted(found, key=lambda file: ("luoyang" not in file, file))]


def _read(folder: Path, file: str, problems: list[Problem]) -> list[Placed]:
    """The items of a file. Faults of reading are added to `problems`."""
    try:
        with (folder / file).open("rb") as opened:
            found: Read = read(opened, _SHEETS.get(file))
    except Rejected as refused:
        problems += (_problem(file, fault) for fault in refused.faults)
        return []
    return found.items


def _invalid(placed: list[Placed]) -> list[Problem]:
    """Every fault by which an empty catalogue would refuse the items."""
    by_kind = Content.of(item for _, item in placed)
    places: dict[int, str] = {id(item): place for place, item in placed}
    ordered = [Placed(places.get(id(item), place), item) for place, item in by_kind.placed()]
    try:
        changes(LawBook.empty(), Publish(tuple(ordered), None), _ANY_DAY)
    except Rejected as refused:
        return [_problem("", fault) for fault in refused.faults]
    return []


def _problem(file: str, fault: Fault) -> Problem:
    place = fault.field or "-"
    if not file:
        file, _, place = place.partition(": ")
    return Problem(file, place, fault.code, ", ".join(f"{name}={value}" for name, value in fault.facts.items()))
