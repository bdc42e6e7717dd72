"""A reading of a natural person: its grounds in the request, and its record before the answer (row 25)."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel, Field

from services.registry.domain.reading import LONGEST_BUSINESS_NUMBER, Asked, Purpose
from services.registry.domain.sharing import Question, Reader
from services.registry.handlers import Find, Reading, T, read_person
from shared.contracts.event import SubjectKey
from shared.contracts.lawbook import SubjectKind
from shared.eventstore import Metadata
from shared.identity import kind_of
from shared.rejection import Fault, reject, reject_all
from shared.runtime.core import Core
from shared.trust import Principal
from shared.web.access import department_of
from shared.web.correlation import correlation, traceparent


class ReadingGrounds(BaseModel):
    """Why a natural person is read. Required for natural persons; of other subjects no reading is recorded."""

    purpose: Purpose | None = Field(
        default=None, description="The purpose (查询用途); it must belong to a role of the caller"
    )
    business_number: str = Field(
        default="",
        max_length=LONGEST_BUSINESS_NUMBER,
        description="The number of the matter (办件编号); never an identity number",
    )


@dataclass(frozen=True, slots=True)
class Asking:
    """A question about one subject, by one caller."""

    core: Core
    who: Principal
    by: Reader
    subject: SubjectKey
    asked: Asked
    question: Question

    async def answered(self, grounds: ReadingGrounds, find: Find[T]) -> T:
        """The answer of `find`; about a natural person, recorded with its grounds before it is returned.

        Raises Rejected: `natural_persons_not_read`, `purpose_missing`, `business_number_missing`, and as `read_person`.
        """
        if kind_of(self.subject) is not SubjectKind.PERSON:
            async with self.core.engine.begin() as connection:
                return (await find(connection))[0]
        reading = await self._reading(grounds)
        metadata = Metadata(
            actor=self.who.subject,
            department=self.who.department,
            correlation=correlation(),
            traceparent=traceparent(),
        )
        return await read_person(self.core, metadata, reading, find)

    async def _reading(self, grounds: ReadingGrounds) -> Reading:
        if not self.by.reads_persons:
            raise reject("natural_persons_not_read", department=self.by.department)
        reject_all(_missing(grounds))
        assert grounds.purpose is not None
        department = (await self.core.lawbook.current()).department(department_of(self.who))
        return Reading(
            account=self.who.subject,
            department=department_of(self.who),
            region=department.region if department else "",
            roles=tuple(sorted(self.who.roles)),
            purpose=grounds.purpose,
            business_number=grounds.business_number.strip(),
            subject=self.subject,
            asked=self.asked,
            effective_at=self.question.day,
            known_at=self.question.known_at,
            history=self.question.history,
        )


def _missing(grounds: ReadingGrounds) -> Iterator[Fault]:
    if grounds.purpose is None:
        yield Fault("purpose_missing", "purpose")
    if not grounds.business_number.strip():
        yield Fault("business_number_missing", "business_number")
