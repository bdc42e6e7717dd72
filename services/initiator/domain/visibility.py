"""The entries and imports that a caller may read: its own, what it publishes for others, and what it oversees.

Who sees and who acts is one rule (shared/lawbook/publishers.py). A file of several regions belongs to the region of the
department that sent it.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from shared.contracts.event import DepartmentId, DomainId
from shared.lawbook.book import LawBook
from shared.lawbook.publishers import publishes_for_others
from shared.lawbook.responsibility import regions_of


@dataclass(frozen=True, slots=True)
class Visibility:
    """What a caller may read of entries and imports."""

    department: DepartmentId
    oversees: frozenset[str] = frozenset()
    """The regions of which it reads everything, drafts too: those of a credit office or of an auditor's department."""
    publishes: Mapping[DomainId, frozenset[str]] = field(default_factory=dict[DomainId, frozenset[str]])
    """Domain → the regions in which it publishes for others, and reads what is no draft."""
    regions: Mapping[DepartmentId, str] = field(default_factory=dict[DepartmentId, str])
    """Department → its region."""

    def may_read_entry(self, department: str, domain_id: str, jurisdiction: str, *, draft: bool) -> bool:
        """`department`: the initiator of the entry."""
        if self.department == department or jurisdiction in self.oversees:
            return True
        return not draft and jurisdiction in self.publishes.get(DomainId(domain_id), frozenset())

    def may_read_import(self, department: str, domains: Collection[str]) -> bool:
        """`department`: the department that sent the file. `domains`: those of its good rows."""
        region = self.regions.get(DepartmentId(department), "")
        if self.department == department or region in self.oversees:
            return True
        return any(region in self.publishes.get(DomainId(domain), frozenset()) for domain in domains)

    @property
    def published_together(self) -> Mapping[frozenset[str], list[DomainId]]:
        """Regions → the domains in which it publishes in exactly these."""
        found: dict[frozenset[str], list[DomainId]] = defaultdict(list)
        for domain_id, regions in self.publishes.items():
            found[regions].append(domain_id)
        return found

    def departments_of(self, regions: frozenset[str]) -> list[DepartmentId]:
        """The departments of these regions."""
        return [department for department, region in self.regions.items() if region in regions]


def visibility_of(department: DepartmentId, book: LawBook, today: date, *, oversees: bool = False) -> Visibility:
    """What a department may read. `oversees`: for a credit office or an auditor, everything of its regions."""
    return Visibility(
        department=department,
        oversees=regions_of(book, department) if oversees else frozenset(),
        publishes=publishes_for_others(department, book, today),
        regions={known: found.region for known, found in book.departments.items()},
    )
