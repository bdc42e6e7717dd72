"""Who may call which routes of the catalogue, and the law book for routes that read it from its stream."""

from typing import Annotated

from fastapi import Depends

from services.catalogue.domain.book import BOOK, BOOK_ID
from services.catalogue.domain.events import Officer
from shared.eventstore import Metadata, Session
from shared.lawbook.book import LawBook
from shared.runtime.core import Core
from shared.trust import OfficerRole, Principal
from shared.web.access import founding_credit_office, require

Keeper = Annotated[Principal, Depends(founding_credit_office)]
"""An officer with the role of the credit office. The domain checks that the book names the department as a credit office."""
Overseer = Annotated[Principal, Depends(require(OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR))]
"""May read drafts."""


def officer(who: Principal) -> Officer:
    """The caller as an `Officer` of the domain."""
    return Officer(subject=who.subject, department=who.department)


async def current_book(core: Core) -> LawBook:
    """The current law book, from its stream. The store keeps the folded state between requests."""
    session = Session(core.store, core.clock.now(), Metadata("reader"))
    return await session.state(BOOK, BOOK_ID)
