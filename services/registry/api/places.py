"""Credit offices and regions by region code, as routes of the public need them."""

from shared.contracts.lawbook import Department
from shared.lawbook.book import LawBook
from shared.lawbook.memo import Memo
from shared.lawbook.regions import STATE
from shared.lawbook.responsibility import credit_office_of, regions_within
from shared.rejection import reject

_MOST_REMEMBERED = 10_000


class Places:
    """Regions and credit offices of one book (`book.derived(Places)`). Remembers what it computed."""

    def __init__(self, book: LawBook) -> None:
        self._book = book
        self._offices: Memo[str, tuple[Department | None]] = Memo(_MOST_REMEMBERED)
        self._within: Memo[str, frozenset[str]] = Memo(_MOST_REMEMBERED)

    def credit_office(self, region: str) -> Department | None:
        """The credit office of the region, or of the nearest region above it."""
        known = self._offices.get(region)
        return (known or self._offices.keep(region, (credit_office_of(self._book, region),)))[0]

    def asked_for(self, region: str | None) -> frozenset[str] | None:
        """The region and those below it; None for all. Raises Rejected: `unknown_region`."""
        if region is None or region == STATE:
            return None
        if region not in self._book.regions:
            raise reject("unknown_region", "query.region", id=region)
        known = self._within.get(region)
        return self._within.keep(region, regions_within(self._book, region)) if known is None else known
