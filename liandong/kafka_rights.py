"""Who may do what on Kafka: an account for every service, and the topics that it may write and read; nothing else is allowed.

What a service writes and reads stands in `shared.messaging.topics.TRAFFIC`. Safe to repeat: a password that changed is set
anew, a right that a service no longer has is taken away. Rights of users that are no services are not touched.
"""

import hashlib
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, cast

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.admin import CreateAclsRequest_v1, DeleteAclsRequest_v1, DescribeAclsRequest_v1
from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactBytes, CompactString, Int8, Int16, Int32, Schema, TaggedFields

from shared.messaging.broker import Address, connection_arguments
from shared.messaging.topics import TRAFFIC, Topics, Traffic, group_of

_ITERATIONS = 8192
"""Of SCRAM: twice the least that Kafka takes."""
_SCRAM_SHA_512 = 2
_LITERAL = 3
_ALLOW = 3
_ANY = 1
_EVERYWHERE = "*"


class Resource(IntEnum):
    """What a right is about, as the protocol numbers it."""

    TOPIC = 2
    GROUP = 3


class Operation(IntEnum):
    """What a right allows; both include to see that the resource is there."""

    READ = 3
    WRITE = 4


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """That a user may do something with one topic or group."""

    user: str
    resource: Resource
    name: str
    operation: Operation


class RightsRefused(Exception):
    """The broker did not do what was asked."""


def rights(topics: Topics, traffic: Mapping[str, Traffic] = TRAFFIC) -> set[Right]:
    """What all services together need."""
    needed: set[Right] = set()
    for service, its in traffic.items():
        needed |= {Right(service, Resource.TOPIC, topics.name(topic), Operation.WRITE) for topic in its.writes}
        needed |= {Right(service, Resource.TOPIC, topics.name(topic), Operation.READ) for topic in its.reads}
        if its.reads:
            needed.add(Right(service, Resource.GROUP, group_of(service, topics.prefix), Operation.READ))
    return needed


async def grant(broker: Address, topics: Topics, passwords: Mapping[str, str]) -> None:
    """Give every service its account and its rights, and take away what it should not have. Raises RightsRefused."""
    wanted = rights(topics)
    async with _asking(broker) as ask:
        _accept((await ask.send(_accounts(passwords))).results)
        stand = {right for user in passwords for right in await ask.rights_of(user)}
        if missing := sorted(wanted - stand):
            _accept((await ask.send(CreateAclsRequest_v1([_as_acl(right) for right in missing]))).creation_responses)
        if too_many := sorted(stand - wanted):
            _accept((await ask.send(DeleteAclsRequest_v1([_as_acl(right) for right in too_many]))).filter_responses)


@dataclass(frozen=True, slots=True)
class _Exactly:
    """A request in the one version that is spoken here."""

    struct: RequestStruct

    def prepare(self, _: object) -> RequestStruct:
        return self.struct


@dataclass(frozen=True, slots=True)
class _Asking:
    """Asks whichever broker answers; it passes on to the controller what only that may decide."""

    client: AIOKafkaClient

    async def send(self, request: RequestStruct) -> Any:
        node = cast("Any", self.client.get_random_node())
        return cast("Any", await self.client.send(node, _Exactly(request)))

    async def rights_of(self, user: str) -> set[Right]:
        """The rights of a user, of the kinds that are given here."""
        asked = DescribeAclsRequest_v1(_ANY, None, _ANY, f"User:{user}", None, _ANY, _ANY)
        found = await self.send(asked)
        _accept([(found.error_code, found.error_message)])
        return {
            Right(user, Resource(kind), name, Operation(operation))
            for kind, name, pattern, acls in found.resources
            for _, host, operation, permission in acls
            if (pattern, host, permission) == (_LITERAL, _EVERYWHERE, _ALLOW)
            if kind in tuple(Resource) and operation in tuple(Operation)
        }


@asynccontextmanager
async def _asking(broker: Address) -> AsyncGenerator[_Asking]:
    client = AIOKafkaClient(**connection_arguments(broker))
    try:
        await client.bootstrap()
        yield _Asking(client)
    finally:
        await client.close()


def _as_acl(right: Right) -> tuple[int, str, int, str, str, int, int]:
    return (right.resource, right.name, _LITERAL, f"User:{right.user}", _EVERYWHERE, right.operation, _ALLOW)


def _accounts(passwords: Mapping[str, str]) -> "_AlterScramRequest":
    """Only salted passwords leave this process."""
    upserted: list[tuple[Any, ...]] = []
    for user, password in passwords.items():
        salt = secrets.token_bytes(32)
        salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
        upserted.append((user, _SCRAM_SHA_512, _ITERATIONS, salt, salted, {}))
    return _AlterScramRequest([], upserted, {})


def _accept(results: Any) -> None:
    """Each begins, after the name that some have, with an error code and its words."""
    for result in results:
        code, said = next((one, result[at + 1]) for at, one in enumerate(result) if isinstance(one, int))
        if code:
            raise RightsRefused(said or f"Kafka error {code}")


class _AlterScramResponse(Response):
    """`AlterUserScramCredentials` (KIP-554), which aiokafka does not know."""

    API_KEY: ClassVar[int] = 51  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    API_VERSION: ClassVar[int] = 0  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _AlterScramRequest(RequestStruct):
    FLEXIBLE_VERSION = True
    API_KEY = 51
    API_VERSION = 0
    RESPONSE_TYPE = _AlterScramResponse
    SCHEMA = Schema(
        (
            "deletions",
            CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields)),
        ),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )
