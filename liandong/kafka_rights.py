"""Access control on Kafka: one account per service, with rights on the topics that it writes and reads, and no others.

The table of topics is `shared.messaging.topics.TRAFFIC`. Idempotent: a changed password is updated, and a right that a
service no longer needs is revoked. Rights of users that are not services are left alone.
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
"""SCRAM iterations: twice the minimum that Kafka accepts."""
_SCRAM_SHA_512 = 2
_LITERAL = 3
_ALLOW = 3
_ANY = 1
_EVERYWHERE = "*"


class Resource(IntEnum):
    """Type of the resource, as numbered by the Kafka protocol."""

    TOPIC = 2
    GROUP = 3


class Operation(IntEnum):
    """Operation that a right allows; both imply Describe."""

    READ = 3
    WRITE = 4


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """A user may perform an operation on one topic or consumer group."""

    user: str
    resource: Resource
    name: str
    operation: Operation


class RightsRefused(Exception):
    """The broker refused to change accounts or rights; the text is the broker's."""


def rights(topics: Topics, traffic: Mapping[str, Traffic] = TRAFFIC) -> set[Right]:
    """The rights that all services need."""
    needed: set[Right] = set()
    for service, own in traffic.items():
        needed |= {Right(service, Resource.TOPIC, topics.name(topic), Operation.WRITE) for topic in own.writes}
        needed |= {Right(service, Resource.TOPIC, topics.name(topic), Operation.READ) for topic in own.reads}
        if own.reads:
            needed.add(Right(service, Resource.GROUP, group_of(service, topics.prefix), Operation.READ))
    return needed


async def grant(broker: Address, topics: Topics, passwords: Mapping[str, str]) -> None:
    """Create or update the account and rights of every service, and revoke surplus rights. Raises RightsRefused."""
    wanted = rights(topics)
    async with _connected(broker) as client:
        _check((await client.send(_accounts(passwords))).results)
        current = {right for user in passwords for right in await client.rights_of(user)}
        if missing := sorted(wanted - current):
            _check((await client.send(CreateAclsRequest_v1([_as_acl(right) for right in missing]))).creation_responses)
        if surplus := sorted(current - wanted):
            _check((await client.send(DeleteAclsRequest_v1([_as_acl(right) for right in surplus]))).filter_responses)


@dataclass(frozen=True, slots=True)
class _FixedVersion:
    """A request in a fixed version: aiokafka would otherwise negotiate one."""

    struct: RequestStruct

    def prepare(self, _: object) -> RequestStruct:
        return self.struct


@dataclass(frozen=True, slots=True)
class _AdminClient:
    """Sends administrative requests to any broker; it forwards to the controller what only the controller may do."""

    client: AIOKafkaClient

    async def send(self, request: RequestStruct) -> Any:
        node = cast("Any", self.client.get_random_node())
        return cast("Any", await self.client.send(node, _FixedVersion(request)))

    async def rights_of(self, user: str) -> set[Right]:
        """The rights of a user; only those of the kinds that `rights` uses."""
        found = await self.send(DescribeAclsRequest_v1(_ANY, None, _ANY, f"User:{user}", None, _ANY, _ANY))
        _check([(found.error_code, found.error_message)])
        return {
            Right(user, Resource(kind), name, Operation(operation))
            for kind, name, pattern, acls in found.resources
            for _, host, operation, permission in acls
            if (pattern, host, permission) == (_LITERAL, _EVERYWHERE, _ALLOW)
            if kind in tuple(Resource) and operation in tuple(Operation)
        }


@asynccontextmanager
async def _connected(broker: Address) -> AsyncGenerator[_AdminClient]:
    client = AIOKafkaClient(**connection_arguments(broker))
    try:
        await client.bootstrap()
        yield _AdminClient(client)
    finally:
        await client.close()


def _as_acl(right: Right) -> tuple[int, str, int, str, str, int, int]:
    return (right.resource, right.name, _LITERAL, f"User:{right.user}", _EVERYWHERE, right.operation, _ALLOW)


def _accounts(passwords: Mapping[str, str]) -> "_AlterScramRequest":
    """Only salted passwords are sent to the broker."""
    upserted: list[tuple[Any, ...]] = []
    for user, password in passwords.items():
        salt = secrets.token_bytes(32)
        salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
        upserted.append((user, _SCRAM_SHA_512, _ITERATIONS, salt, salted, {}))
    return _AlterScramRequest([], upserted, {})


def _check(results: Any) -> None:
    """Each result has an error code, followed by a message; some have a name before. Raises RightsRefused."""
    for result in results:
        code, message = next((one, result[at + 1]) for at, one in enumerate(result) if isinstance(one, int))
        if code:
            raise RightsRefused(message or f"Kafka error {code}")


class _AlterScramResponse(Response):
    """`AlterUserScramCredentials` (KIP-554), which aiokafka does not implement."""

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
