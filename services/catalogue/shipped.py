"""The law book that ships: files in `data/`, read and judged as the catalogue would judge them, whole or not at all.

Every mistake in the files is told at once, by file and place. What no document states is an example (`example_settings`),
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
from shared.contracts.lawbook import Department, Domain, Instrument, Measure, MeasureList
from shared.contracts.lawbook_events import LawbookChange
from shared.contracts.policy import Policy
from shared.lawbook.book import LawBook
from shared.lawbook.items import publications
from shared.rejection import Fault, Rejected

DATA = Path(__file__).parent / "data"
DOCUMENTS = DATA / "documents"
"""The official documents, plain text, named by document number."""

_SHEETS = {"regions.csv": "regions"}
_A_DAY = date(2026, 1, 1)
"""Nothing in the files ends on a day that must have come."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a file, and where in it."""

    file: str
    place: str
    code: str
    facts: str

    def __str__(self) -> str:
        return f"{self.file}: {self.place}: {self.code} {self.facts}".rstrip()


class ShippedLawBookInvalid(Exception):
    """The files do not make a law book; `problems` lists every reason."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Shipped:
    """A law book, kind by kind."""

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
        """All of it, as the catalogue takes it: in an order in which references resolve."""
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
        """The events that publish all of it, numbered from law book version `after` + 1."""
        return tuple(publications((item for _, item in self.content().placed()), after))


def shipped(folder: Path = DATA) -> Shipped:
    """What the files say. Raises `ShippedLawBookInvalid` with every problem at once."""
    problems: list[Problem] = []
    placed = [
        Placed(f"{file}: {place}", item) for file in _files(folder) for place, item in _read(folder, file, problems)
    ]
    problems += _judged(placed)
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
    """Those of Luoyang first, whose names are the first in their folders by chance: the order of a file is its own."""
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*.yaml")]
    return [*_SHEETS, *sorted(found, key=lambda file: ("luoyang" not in file, file))]


def _read(folder: Path, file: str, problems: list[Problem]) -> list[Placed]:
    """The items of a file; what cannot be read is added to `problems`."""
    try:
        with (folder / file).open("rb") as opened:
            found: Read = read(opened, _SHEETS.get(file))
    except Rejected as refused:
        problems += (_problem(file, fault) for fault in refused.faults)
        return []
    return found.items


def _judged(placed: list[Placed]) -> list[Problem]:
    """What the catalogue would refuse, were it empty: kind by kind, whatever the order of the files."""
    by_kind = Content.of(item for _, item in placed)
    places: dict[int, str] = {id(item): place for place, item in placed}
    ordered = [Placed(places.get(id(item), place), item) for place, item in by_kind.placed()]
    try:
        changes(LawBook.empty(), Publish(tuple(ordered), None), _A_DAY)
    except Rejected as refused:
        return [_problem("", fault) for fault in refused.faults]
    return []


def _problem(file: str, fault: Fault) -> Problem:
    place = fault.field or "-"
    if not file:
        file, _, place = place.partition(": ")
    return Problem(file, place, fault.code, ", ".join(f"{name}={value}" for name, value in fault.facts.items()))
