"""How clients connect to Kafka: addresses, user, SASL and TLS. No other module deals with SASL and TLS.

A plain address string means a broker without authentication: the local stack, and tests.
"""

import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from aiokafka.conn import create_conn  # pyright: ignore[reportUnknownVariableType]
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.helpers import create_ssl_context


class Security(StrEnum):
    """Kafka's `security.protocol`."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class Mechanism(StrEnum):
    """Kafka's `sasl.mechanism`. SCRAM never sends the password; PLAIN does, so it needs TLS or a private network."""

    SCRAM_SHA_512 = "SCRAM-SHA-512"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    PLAIN = "PLAIN"


@dataclass(frozen=True, slots=True)
class Broker:
    """A Kafka cluster and the user to connect as. The `repr` does not show the password."""

    servers: str
    """`host:port`, separated by commas."""
    security: Security = Security.PLAINTEXT
    mechanism: Mechanism = Mechanism.SCRAM_SHA_512
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    """With TLS: the CA that signed the broker's certificate. None: the CAs of the system."""

    @property
    def uses_sasl(self) -> bool:
        return self.security in (Security.SASL_PLAINTEXT, Security.SASL_SSL)

    @property
    def is_encrypted(self) -> bool:
        return self.security in (Security.SSL, Security.SASL_SSL)


Address = Broker | str


class BrokerRefused(Exception):
    """The broker rejected the connection: wrong user, password, mechanism or certificate. Retrying does not help."""


class BrokerUnavailable(Exception):
    """No broker answers at any of the addresses at present."""


def connection_arguments(broker: Address) -> dict[str, Any]:
    """The arguments with which every aiokafka client connects to this broker."""
    if isinstance(broker, str):
        return {"bootstrap_servers": broker}
    return {"bootstrap_servers": broker.servers, **_security_arguments(broker)}


def _security_arguments(broker: Broker) -> dict[str, Any]:
    arguments: dict[str, Any] = {"security_protocol": broker.security.value}
    if broker.is_encrypted:
        arguments["ssl_context"] = create_ssl_context(cafile=str(broker.ca_file) if broker.ca_file else None)
    if broker.uses_sasl:
        arguments |= {
            "sasl_mechanism": broker.mechanism.value,
            "sasl_plain_username": broker.user,
            "sasl_plain_password": broker.password,
        }
    return arguments


async def check_connection(broker: Address, timeout: float = 5.0) -> None:
    """Connect once, authenticate, and disconnect. Raises BrokerRefused, or BrokerUnavailable when no address answers.

    aiokafka's clients do not distinguish the two: they treat a rejected password like an address that failed.
    `timeout` is in seconds, for each address.
    """
    target = broker if isinstance(broker, Broker) else Broker(broker)
    refused: Exception | None = None
    failed: Exception | None = None
    for address in target.servers.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            connected = await create_conn(
                host, int(port), request_timeout_ms=int(timeout * 1000), **_security_arguments(target)
            )
        except (
            SaslAuthenticationFailed,
            UnsupportedSaslMechanismError,
            IllegalSaslStateError,
            ssl.SSLCertVerificationError,
        ) as error:
            refused = error
        except (TimeoutError, OSError, KafkaError) as error:
            failed = error
        else:
            connected.close()
            return
    if refused is not None:
        raise BrokerRefused(_one_line(refused)) from None
    raise BrokerUnavailable(_one_line(failed)) from None


def _one_line(error: Exception | None) -> str:
    return " ".join(str(error).split()) or type(error).__name__
