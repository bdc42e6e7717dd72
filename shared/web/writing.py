"""Every write goes one way: Idempotency-Key, command, decide, append, answer; and the answer is kept with the events.

The same key with the same request gets the same answer and nothing is done again; with another request it is refused.
A command that loses a race is decided again on the new state, unless the caller named the version it had seen.
"""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import select

from shared.calendar.clock import Clock
from shared.eventstore import AlreadyAnswered, Change, EventStore, Metadata, Session, StoredResponse, VersionConflict
from shared.eventstore.committer import Committer
from shared.eventstore.schema import IDEMPOTENCY
from shared.rejection import Rejected, reject
from shared.trust import Principal
from shared.web.correlation import correlation, traceparent

LONGEST_KEY = 200
_TRIES = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command handler answers: the status and the body."""

    status: int
    body: BaseModel | dict[str, Any]

    def body_json(self) -> str:
        if isinstance(self.body, BaseModel):
            return self.body.model_dump_json()
        return orjson.dumps(self.body).decode()


Handle = Callable[[Session], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Writer:
    """The writing side of a service, on `app.state.writer`."""

    store: EventStore
    committer: Committer
    clock: Clock

    async def answered(self, caller: str, key: str) -> StoredResponse | None:
        """The answer that was given under this key, if one was."""
        query = select(IDEMPOTENCY).where(IDEMPOTENCY.c.caller == caller, IDEMPOTENCY.c.key == key)
        async with self.store.reading.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return StoredResponse(row.caller, row.key, row.request_hash, row.status, row.body) if row else None

    def session(self, metadata: Metadata) -> Session:
        return Session(self.store, self.clock.now(), metadata)


@dataclass(frozen=True, slots=True)
class Writing:
    """One writing request. Routes take it as `write: Write` and call it with who asks and what to do."""

    writer: Writer
    key: str
    request_hash: str

    async def __call__(self, caller: Principal, handle: Handle) -> Response:
        """Run `handle` in a session and commit what it decided together with its answer.

        Raises Rejected: from the decider, or `idempotency_key_reused`, or `stale_version` when others kept winning.
        """
        name = f"{caller.department or '-'}/{caller.subject}"
        for _ in range(_TRIES):
            try:
                return await self._once(name, caller, handle)
            except (VersionConflict, AlreadyAnswered, Rejected) as error:
                # What stands in the way may be this very request: sent twice at once, or committed without an answer.
                if given := await self.writer.answered(name, self.key):
                    return self._again(given)
                if isinstance(error, Rejected):
                    raise
        raise reject("busy")

    async def _once(self, name: str, caller: Principal, handle: Handle) -> Response:
        metadata = Metadata(
            actor=caller.subject,
            department=caller.department,
            correlation=correlation(),
            traceparent=traceparent(),
        )
        session = self.writer.session(metadata)
        answer = await handle(session)
        body = answer.body_json()
        remembered = StoredResponse(name, self.key, self.request_hash, answer.status, body)
        await self.writer.committer.commit(session.change(remembered))
        return Response(body, answer.status, media_type="application/json")

    async def repeatable(self, caller: Principal, act: Callable[[], Awaitable[Answer]]) -> Response:
        """Run an act that has transactions of its own and does no harm when it is done again; then keep its answer."""
        name = f"{caller.department or '-'}/{caller.subject}"
        if given := await self.writer.answered(name, self.key):
            return self._again(given)
        answer = await act()
        body = answer.body_json()
        with suppress(AlreadyAnswered):
            remembered = StoredResponse(name, self.key, self.request_hash, answer.status, body)
            await self.writer.committer.commit(Change(response=remembered))
        return Response(body, answer.status, media_type="application/json")

    def _again(self, given: StoredResponse) -> Response:
        if given.request_hash != self.request_hash:
            raise reject("idempotency_key_reused", "Idempotency-Key")
        replayed = {"Idempotency-Replayed": "true"}
        return Response(given.body, given.status, media_type="application/json", headers=replayed)


async def _writing(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            description="Names this request, so that sending it again does nothing twice. Required; a UUID will do."
        ),
    ] = None,
) -> Writing:
    if not idempotency_key:
        raise reject("idempotency_key_missing", "Idempotency-Key")
    if len(idempotency_key) > LONGEST_KEY:
        raise reject("idempotency_key_too_long", "Idempotency-Key", limit=LONGEST_KEY)
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    digest.update(await request.body())
    return Writing(request.app.state.writer, idempotency_key, digest.hexdigest())


Write = Annotated[Writing, Depends(_writing)]
"""The dependency of every route that writes."""


def expected_version(
    if_match: Annotated[str | None, Header(description='The version that you have seen, as `"3"`; optional')] = None,
) -> int | None:
    """The version of `If-Match`; a handler hands it to `session.expect`."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isdigit():
        raise reject("field_invalid", "If-Match")
    return int(text)


ExpectedVersion = Annotated[int | None, Depends(expected_version)]
