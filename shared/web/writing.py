"""The path of every write: Idempotency-Key, command, decide, append, answer. The answer is committed with the events.

The same key with the same request gets the stored answer, and nothing is done twice. With another request the key is refused. A
command that loses a race is decided again on the new state, unless the caller named the version that it expects.
"""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

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

MAX_KEY_LENGTH = 200
_MAX_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a command handler: status and body of the response."""

    status: int
    body: BaseModel | dict[str, Any]

    def body_json(self) -> str:
        if isinstance(self.body, BaseModel):
            return self.body.model_dump_json()
        return orjson.dumps(self.body).decode()


Handle = Callable[[Session], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class WriteContext:
    """What a service needs to execute writes; on `app.state.write_context`."""

    store: EventStore
    committer: Committer
    clock: Clock

    async def stored_answer(self, caller: str, key: str) -> StoredResponse | None:
        """The answer that is stored under this key, or None."""
        query = select(IDEMPOTENCY).where(IDEMPOTENCY.c.caller == caller, IDEMPOTENCY.c.key == key)
        async with self.store.reading.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return StoredResponse(row.caller, row.key, row.request_hash, row.status, row.body) if row else None

    def session(self, metadata: Metadata) -> Session:
        return Session(self.store, self.clock.now(), metadata)


@dataclass(frozen=True, slots=True)
class IdempotentWrite:
    """One write request. A route takes it as `write: Write` and calls it with the caller and the handler."""

    context: WriteContext
    key: str
    request_hash: str

    async def __call__(self, caller: Principal, handle: Handle) -> Response:
        """Run `handle` in a session and commit its events together with its answer.

        Raises Rejected: from the decider; `idempotency_key_reused`; `stale_version`, if the expected version is not the current
        one; `busy`, if every attempt lost a race.
        """
        name = _caller_name(caller)
        for _ in range(_MAX_ATTEMPTS):
            try:
                return await self._attempt(name, caller, handle)
            except (VersionConflict, AlreadyAnswered, Rejected) as error:
                # This request itself may be the cause: it was sent twice at once, or committed before its response was lost.
                if stored := await self.context.stored_answer(name, self.key):
                    return self._replay(stored)
                if isinstance(error, Rejected):
                    raise
        raise reject("busy")

    async def _attempt(self, name: str, caller: Principal, handle: Handle) -> Response:
        metadata = Metadata(
            actor=caller.subject,
            department=caller.department,
            correlation=correlation(),
            traceparent=traceparent(),
        )
        session = self.context.session(metadata)
        answer = await handle(session)
        body = answer.body_json()
        await self.context.committer.commit(session.change(self._remembered(name, answer.status, body)))
        return Response(body, answer.status, media_type="application/json")

    async def at_least_once(self, caller: Principal, action: Callable[[], Awaitable[Answer]]) -> Response:
        """Run an action that has its own transactions and is safe to repeat, and store its answer afterwards."""
        name = _caller_name(caller)
        if stored := await self.context.stored_answer(name, self.key):
            return self._replay(stored)
        answer = await action()
        body = answer.body_json()
        with suppress(AlreadyAnswered):
            await self.context.committer.commit(Change(response=self._remembered(name, answer.status, body)))
        return Response(body, answer.status, media_type="application/json")

    def _remembered(self, name: str, status: int, body: str) -> StoredResponse:
        return StoredResponse(name, self.key, self.request_hash, status, body)

    def _replay(self, stored: StoredResponse) -> Response:
        if stored.request_hash != self.request_hash:
            raise reject("idempotency_key_reused", "Idempotency-Key")
        replayed = {"Idempotency-Replayed": "true"}
        return Response(stored.body, stored.status, media_type="application/json", headers=replayed)


def _caller_name(caller: Principal) -> str:
    """The name under which the keys of a caller are stored. Escaped: `a/b` + `c` is not `a` + `b/c`."""
    department = quote(caller.department, safe="") if caller.department else "-"
    return f"{department}/{caller.subject}"


def require_key(key: str | None) -> str:
    """The Idempotency-Key of a write. Raises Rejected: `idempotency_key_missing`, `idempotency_key_too_long`."""
    if not key:
        raise reject("idempotency_key_missing", "Idempotency-Key")
    if len(key) > MAX_KEY_LENGTH:
        raise reject("idempotency_key_too_long", "Idempotency-Key", limit=MAX_KEY_LENGTH)
    return key


async def _write(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            description="Names this request, so that a repeated request is executed only once. Required; for example a UUID."
        ),
    ] = None,
) -> IdempotentWrite:
    key = require_key(idempotency_key)
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    digest.update(await request.body())
    return IdempotentWrite(request.app.state.write_context, key, digest.hexdigest())


Write = Annotated[IdempotentWrite, Depends(_write)]
"""The dependency of every route that writes."""


def expected_version(
    if_match: Annotated[str | None, Header(description='The version that you have read, as `"3"`; optional')] = None,
) -> int | None:
    """The version in `If-Match`; a handler passes it to `session.expect`. Raises Rejected (`field_invalid`)."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isdigit():
        raise reject("field_invalid", "If-Match")
    return int(text)


ExpectedVersion = Annotated[int | None, Depends(expected_version)]
