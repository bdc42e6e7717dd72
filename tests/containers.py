"""PostgreSQL and Kafka in containers, from the images of docker-compose.yml; removed at the end."""

from collections.abc import Generator
from contextlib import contextmanager

from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

_POSTGRES_IMAGE = "postgres:18"
_KAFKA_IMAGE = "apache/kafka:4.1.1"
_KAFKA_PORT = 9092
_KAFKA_SCRIPT = "/tmp/advertise-and-run.sh"  # in the container
_KAFKA_STARTS_SECONDS = 120
_KAFKA_SETTINGS = {
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_LISTENERS": f"CLIENTS://:{_KAFKA_PORT},BROKER://:9094,CONTROLLER://:9093",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CLIENTS:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "KAFKA_INTER_BROKER_LISTENER_NAME": "BROKER",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "KAFKA_LOG_RETENTION_MS": "-1",
}


@contextmanager
def containers() -> Generator[tuple[str, str]]:
    """The database URL and the bootstrap server. Blocks until both servers are ready."""
    with _postgres() as postgres, _kafka() as broker:
        kafka = f"{broker.get_container_host_ip()}:{broker.get_exposed_port(_KAFKA_PORT)}"
        broker.copy_into_container(_advertising(kafka).encode(), _KAFKA_SCRIPT)
        LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(_KAFKA_STARTS_SECONDS).wait_until_ready(
            broker
        )
        yield postgres.get_connection_url(), kafka


def _postgres() -> PostgresContainer:
    container = PostgresContainer(_POSTGRES_IMAGE, username="postgres", dbname="postgres", driver="asyncpg")
    return container.with_command("-c max_connections=300")


def _kafka() -> DockerContainer:
    """A broker that waits for a start script: it must advertise its mapped port, which is known only once the container runs."""
    container = DockerContainer(_KAFKA_IMAGE).with_exposed_ports(_KAFKA_PORT).with_envs(**_KAFKA_SETTINGS)
    wait = f"while [ ! -s {_KAFKA_SCRIPT} ]; do sleep 0.1; done; exec bash {_KAFKA_SCRIPT}"
    return container.with_command(["bash", "-c", wait])


def _advertising(address: str) -> str:
    return (
        f"export KAFKA_ADVERTISED_LISTENERS=CLIENTS://{address},BROKER://localhost:9094\nexec /etc/kafka/docker/run\n"
    )
