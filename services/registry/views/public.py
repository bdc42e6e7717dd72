"""What the public may see (row 20): lists, the search, who left a list; and for authorised readers what was public on a day.

Whether an entry is public is computed from its days when the question is asked. No job has to take an entry out.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, Text, and_, bindparam, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.registry.views.entries import BIGRAMS, ENTRIES, LEFT_ON, in_force_on
from shared.contracts.event import DomainId, SubjectKey
from shared.contracts.lawbook import ListKind
from shared.database import among
from shared.identity.names import bigrams

_C = ENTRIES.c


@dataclass(frozen=True, slots=True)
class PublicList:
    """A list of a domain; of some regions, or of all (None)."""

    domain_id: DomainId
    kind: ListKind
    regions: Collection[str] | None

    def among(self, query: Select[Any]) -> Select[Any]:
        query = query.where(_C.domain_id == self.domain_id, _C.list_kind == self.kind.value)
        if self.regions is None:
            return query
        return query.where(among(_C.jurisdiction, "regions")).params(regions=sorted(self.regions))


def _public_on(day: date) -> Any:
    """Entries that were public on a day by their dates, whether or not their publicity is suspended now."""
    within = and_(_C.public_from <= day, or_(_C.public_until.is_(None), _C.public_until >= day))
    return and_(_C.public, within, in_force_on(day))


def _public_now(days: Sequence[date]) -> Any:
    """Entries that are public on each of these days: today, and the day on which a listing of several pages began."""
    return and_(_C.publicity_suspended_on.is_(None), *map(_public_on, days))


async def published_list(
    connection: AsyncConnection, wanted: PublicList, days: Sequence[date], after: str, limit: int
) -> list[Any]:
    """A published list (row 3): entries that are public on each of these days, by entry id. At most `limit` rows."""
    query = wanted.among(select(ENTRIES)).where(_public_now(days), _C.entry_id > after)
    return list(await connection.execute(query.order_by(_C.entry_id).limit(limit)))


async def past_list(connection: AsyncConnection, wanted: PublicList, day: date, after: str, limit: int) -> list[Any]:
    """What was public on a day, as far as is known now: without entries that were revoked, with those suspended since."""
    query = wanted.among(select(ENTRIES)).where(_public_on(day), _C.entry_id > after)
    return list(await connection.execute(query.order_by(_C.entry_id).limit(limit)))


async def exits(
    connection: AsyncConnection,
    wanted: PublicList,
    since: date,
    today: date,
    after: tuple[date, str] | None,
    limit: int,
) -> list[Any]:
    """Entries that left the public list from `since` to `today`, by day and entry id, after such a pair.

    A suspension of publicity is an exit as long as it lasts.
    """
    left = (LEFT_ON.between(since, today), _C.public_from <= LEFT_ON)
    query = wanted.among(select(ENTRIES, LEFT_ON.label("left_on"))).where(_C.public, *left)
    if after is not None:
        query = query.where(tuple_(LEFT_ON, _C.entry_id) > tuple_(*after))
    return list(await connection.execute(query.order_by(LEFT_ON, _C.entry_id).limit(limit)))


async def search(
    connection: AsyncConnection,
    key: SubjectKey | None,
    matching: str,
    days: Sequence[date],
    after: str,
    limit: int,
) -> list[Any]:
    """The one-stop public query (一站式查询, row 20): public entries by credit code, or by any part of a name.

    `matching`: the part as `matching_name` gives it, of two characters or more.
    """
    pairs = bindparam("pairs", bigrams(matching), type_=ARRAY(Text))
    matches = and_(BIGRAMS.contains(pairs), _C.name_matching.contains(matching, autoescape=True))
    if key is not None:
        matches = or_(matches, _C.subject_key == key)
    query = select(ENTRIES).where(matches, _public_now(days), _C.entry_id > after)
    return list(await connection.execute(query.order_by(_C.entry_id).limit(limit)))
