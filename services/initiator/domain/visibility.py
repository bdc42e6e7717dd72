"""The entries and imports that a caller may read."""

from collections.abc import Collection
from dataclasses import dataclass

from shared.contracts.event import DepartmentId, DomainId
from shared.lawbook.book import LawBook


@dataclass(frozen=True, slots=True)
class Visibility:
    """Everything; or what the caller's department initiated, and what others submitted in domains where it publishes."""

    everything: bool
    department: DepartmentId | None = None
    publishes_in: frozenset[DomainId] = frozenset()

    def may_read_entry(self, department: str, domain_id: str, *, draft: bool) -> bool:
        """`department`: the initiator of the entry. A draft is visible to its own department only."""
        if self.everything or self.department == department:
            return True
        return not draft and domain_id in self.publishes_in

    def may_read_import(self, department: str, domains: Collection[str]) -> bool:
        """`department`: the department that sent the file. `domains`: those of its good rows."""
        return self.everything or self.department == department or not self.publishes_in.isdisjoint(domains)


EVERYTHING = Visibility(everything=True)


def visibility_of(department: DepartmentId, book: LawBook) -> Visibility:
    """What a department may read: its own, and what waits for it in the domains that name it as publisher."""
    publishes_in = (DomainId(key) for key, domain in book.domains.items() if department in domain.may_publish)
    return Visibility(everything=False, department=department, publishes_in=frozenset(publishes_in))
