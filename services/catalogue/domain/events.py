"""The private events of the catalogue, all of drafts. The events of the law book are public (shared/contracts)."""

from typing import ClassVar

from services.catalogue.domain.content import Content
from shared.contracts.event import Contract, DepartmentId, Event
from shared.contracts.vocabulary import Vocabulary


class Officer(Contract):
    """The officer who acts: an account of a department."""

    subject: str
    department: DepartmentId | None


class DraftFiled(Event):
    """A draft was filed. Its content follows in pieces, in the same transaction."""

    TYPE: ClassVar[str] = "catalogue.draft.filed.v1"
    title: str
    officer: Officer


class DraftGrew(Event):
    """A piece of the content of the draft."""

    TYPE: ClassVar[str] = "catalogue.draft.grew.v1"
    content: Content


class DraftPublished(Event):
    """A second officer published it. `lawbook_version`: of the book with its content."""

    TYPE: ClassVar[str] = "catalogue.draft.published.v1"
    officer: Officer
    lawbook_version: int


class DraftReturned(Event):
    """A second officer returned it (退回)."""

    TYPE: ClassVar[str] = "catalogue.draft.returned.v1"
    officer: Officer
    reason: str


class DraftWithdrawn(Event):
    """The department that filed it withdrew it (撤回)."""

    TYPE: ClassVar[str] = "catalogue.draft.withdrawn.v1"
    officer: Officer
    reason: str


VOCABULARY = Vocabulary((DraftFiled, DraftGrew, DraftPublished, DraftReturned, DraftWithdrawn))
