"""From empty volumes to a running system, the loop with faults, and the removal of everything: tests run in this order."""

import asyncio
import json
import socket
from typing import Any

import httpx
import pytest

from liandong.demo.client import CREDIT_OFFICE, Client
from liandong.demo.ledger import SERVICES, ledger, off_list, states
from liandong.demo.run import Phase
from tests.compose.loop import client_of, load_the_law, play
from tests.compose.project import Project
from tests.harness import eventually

pytestmark = pytest.mark.timeout(900)

SUBJECTS = 200
STOPS_WITHIN_SECONDS = 30
KILLED = 137


# --- the compose files


def test_the_main_file_holds_no_value_that_a_production_site_could_not_keep(built: Project):
    plain = json.loads(_run_with_the_main_file_alone(built))["services"]
    assert not [name for name, its in plain.items() if its.get("build", {}).get("network")]
    published = {name: its["ports"] for name, its in plain.items() if its.get("ports")}
    assert list(published) == ["gateway"]
    clocks = {its["environment"].get("LIANDONG_MOVABLE_CLOCK") for name, its in plain.items() if name in SERVICES}
    assert clocks == {"false"}


def _run_with_the_main_file_alone(project: Project) -> str:
    main = Project(project.folder, more={"COMPOSE_FILE": "docker-compose.yml", "LIANDONG_MOVABLE_CLOCK": "false"})
    return main.compose("config", "--format", "json")


def test_the_profile_scale_is_a_second_instance_of_every_service_under_the_same_name(built: Project):
    services = json.loads(built.compose("--profile", "scale", "config", "--format", "json"))["services"]
    for name in SERVICES:
        first, second = services[name], services[f"{name}-second"]
        assert second["networks"]["inside"]["aliases"] == [name]
        same = ("image", "command", "environment", "secrets", "depends_on", "mem_limit", "stop_grace_period")
        assert {what: first[what] for what in same} == {what: second[what] for what in same}


_TRACED = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        print("received:", self.path, flush=True)

server = HTTPServer(("127.0.0.1", 0), Collector)
Thread(target=server.serve_forever, daemon=True).start()
os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"

from shared.telemetry import traces, tracing_setup

tracing_setup.start()
with traces.request("GET", "") as span:
    span.record_response("/example", 200)
traces.stop()
"""


def test_the_image_sends_traces_to_the_collector_that_is_named(built: Project):
    assert "received: /v1/traces" in built.python("registry", _TRACED)


# --- faults at the start


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"LIANDONG_IDENTITY_FILE": "/run/secrets/none"}, ("/run/secrets/none", "No such file")),
        ({"LIANDONG_KAFKA_PASSWORD_FILE": "/run/secrets/none"}, ("LIANDONG_KAFKA_PASSWORD_FILE", "No such file")),
    ],
)
def test_a_container_without_its_secret_says_so_in_one_line(
    built: Project, setting: dict[str, str], reason: tuple[str, ...]
):
    output = built.run_one("registry", **setting)
    assert output.status == 1
    assert len(output.reasons) == 1
    assert all(word in output.reasons[0] for word in reason), output.text


async def test_a_volume_of_another_version_is_refused_by_postgres_with_the_reason_and_services_wait(built: Project):
    older = Project(built.folder, more={"LIANDONG_IMAGE": built.image})
    try:
        older.compose("create", "postgres")
        volume = f"{older.name}_postgres:/var/lib/postgresql"
        write = "initdb -D $PGDATA > /dev/null && echo 17 > $PGDATA/PG_VERSION"
        older.docker(
            "run", "--rm", "--user", "postgres", "--volume", volume, "--entrypoint", "bash", "postgres:18", "-c", write
        )
        older.run("up", "--detach", "--no-deps", "postgres")
        output = older.run("logs", "--no-log-prefix", "postgres").text
        assert "initialized by PostgreSQL version 17" in output, output
        older.run("up", "--detach", "--no-deps", "registry")
        await eventually(
            lambda: "waits for PostgreSQL at postgres:5432" in older.run("logs", "registry").text,
            seconds=120,
            every=1,
        )
    finally:
        older.run("down", "--volumes", "--timeout", "20")
    assert not older.left_behind()


# --- the running system


def test_only_the_gateway_is_published(system: Project):
    published = {
        one["Config"]["Labels"]["com.docker.compose.service"]
        for one in system.containers()
        if any(one["NetworkSettings"]["Ports"].values())
    }
    assert published == {"gateway"}


def test_all_data_is_in_named_volumes(system: Project):
    kept = [mount for one in system.containers() for mount in one["Mounts"] if mount["Type"] == "volume"]
    assert {mount["Name"] for mount in kept} == {f"{system.name}_{name}" for name in ("postgres", "kafka")}


def test_no_secret_is_in_the_environment_and_no_service_runs_as_root(system: Project):
    secrets = [path.read_text() for path in (system.folder / "secrets").iterdir()]
    for one in system.containers():
        visible = "\n".join([*one["Config"]["Env"], *(one["Args"] or [])])
        assert not [value for value in secrets if value in visible], one["Name"]
        if one["Config"]["Image"] == system.image:
            assert one["Config"]["User"] == "10001:10001"
            assert one["HostConfig"]["ReadonlyRootfs"]
            assert one["HostConfig"]["Memory"] > 0


def test_the_gateway_answers_for_every_service_and_keeps_their_metrics_to_itself(system: Project):
    with httpx.Client(base_url=system.address(), trust_env=False, timeout=30) as http:
        assert set(http.get("/").json()) == set(SERVICES)
        for service in SERVICES:
            assert http.get(f"/{service}/readyz").json() == {"status": "ready"}
            assert f"/{service}/openapi.json" in http.get(f"/{service}/docs").text
            assert http.get(f"/{service}/openapi.json").is_success
            assert http.get(f"/{service}/metrics").status_code == 404
        refused = http.get("/executor/v1/tasks")
        assert refused.status_code == 401
        assert refused.headers["content-type"] == "application/problem+json"
        assert http.get("/elsewhere").json()["code"] == "unknown_route"


_AS_ANOTHER = """
import asyncio, asyncpg, sys
from aiokafka import AIOKafkaProducer
from aiokafka.errors import TopicAuthorizationFailedError
from shared.messaging.broker import connection_arguments
from shared.runtime.settings import Settings
from sqlalchemy.engine import make_url

async def refused(statement, database):
    at = make_url(Settings().database("executor"))
    try:
        there = await asyncpg.connect(host=at.host, user=at.username, password=at.password, database=database)
        await there.execute(statement)
    except asyncpg.InsufficientPrivilegeError as error:
        return str(error)
    return "DONE: " + statement

async def main():
    for statement in ("DELETE FROM events", "UPDATE events SET version = 0", "DELETE FROM published",
                      "CREATE TABLE mine (id int)", "DROP TABLE outbox"):
        print(await refused(statement, "liandong_executor"))
    print(await refused("SELECT 1", "liandong_registry"))
    print(await refused("SELECT 1", "postgres"))
    async with AIOKafkaProducer(**connection_arguments(Settings().broker)) as producer:
        for topic in ("liandong.list", "liandong.response"):
            try:
                await producer.send_and_wait(topic, b"forged")
                print("DONE: wrote to", topic)
            except TopicAuthorizationFailedError as error:
                print("not allowed:", error)

asyncio.run(main())
"""


def test_a_service_may_do_nothing_on_postgres_or_kafka_but_its_own_work(system: Project):
    output = system.python("executor", _AS_ANOTHER)
    assert "DONE" not in output, output
    assert output.count("permission denied") + output.count("must be owner") == 7, output
    assert output.count("not allowed") == 2, output


# --- faults of one container while the others run


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"LIANDONG_DATABASE_PASSWORD_FILE": "/run/secrets/kafka"}, ("PostgreSQL at postgres refuses registry",)),
        ({"LIANDONG_KAFKA_PASSWORD_FILE": "/run/secrets/database"}, ("Kafka at kafka:9092 refuses registry",)),
        ({"LIANDONG_TOPIC_PREFIX": "other."}, ("topic other.liandong.", "liandong topics")),
        ({"LIANDONG_PARTITIONS": "12"}, ("6 partitions", "the settings say 12")),
    ],
)
def test_a_refused_container_names_the_server_in_one_line(
    system: Project, setting: dict[str, str], reason: tuple[str, ...]
):
    output = system.run_one("registry", **setting)
    assert output.status == 1
    assert len(output.reasons) == 1, output.text
    assert all(word in output.reasons[0] for word in reason), output.text


def test_a_port_in_use_is_reported_by_the_engine_and_other_containers_continue(system: Project):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        more = {"LIANDONG_PORT": f"127.0.0.1:{taken.getsockname()[1]}", "LIANDONG_IMAGE": system.image}
        second = Project(system.folder, more=more)
        try:
            output = second.run("up", "--detach", "--no-deps", "gateway")
            assert output.status != 0
            assert "address already in use" in output.text or "port is already allocated" in output.text, output.text
        finally:
            second.run("down", "--volumes")
    assert httpx.get(f"{system.address()}/registry/readyz", trust_env=False).is_success


# --- the loop


async def _is_idle(client: Client) -> bool:
    waits = ("outbox", "unacknowledged", "parked", "timers_due", "timers_failed")
    found = await states(client)
    read = all(place["lag"] in (0, None) for state in found.values() for place in state["partitions"])
    return read and not any(state[what] for state in found.values() for what in waits)


async def test_the_loop_closes_though_kafka_and_postgres_are_restarted_and_the_executor_is_scaled(system: Project):
    def restart(server: str, during: str) -> None:
        with system.timed(f"restart {server} ({during})"):
            system.compose("restart", server)

    def scale() -> None:
        with system.timed("scale the executor to two (departments are answering)"):
            system.up("--no-recreate", "--scale", "executor=2", "executor")

    async with client_of(system) as client:
        with system.timed("load the law book"):
            assert await load_the_law(client) > 0
        actions = {
            "publishing": lambda: restart("kafka", "entries are being published"),
            "answering": scale,
            "acting": lambda: restart("postgres", "entries are being revoked, repaired, corrected"),
            "undoing": lambda: restart("kafka", "effects are being undone"),
        }
        with system.timed(f"the loop: {SUBJECTS} entries, from list files to a closed ledger"):
            try:
                run = await play(system, client, SUBJECTS, actions)
            except Exception as error:
                error.add_note(system.run("logs", "--tail", "40").text[-40_000:])
                raise
        assert run.phase is Phase.DONE
        left, counted = await off_list(client), await ledger(client)
        assert counted.entries == SUBJECTS
        assert counted.closed_entries == len(left) > 0
        assert counted.undoing == 0
        assert (await client.get(CREDIT_OFFICE, "/feedback/v1/statistics/still-in-force"))["items"] == []
        await eventually(lambda: _is_idle(client), seconds=60, every=0.5, what="all services idle")


def test_both_executors_work_and_the_gateway_sends_requests_to_both(system: Project):
    executors = [
        one for one in system.containers() if one["Config"]["Labels"]["com.docker.compose.service"] == "executor"
    ]
    assert len(executors) == 2
    assert all(one["State"]["Health"]["Status"] == "healthy" for one in executors)
    with httpx.Client(base_url=system.address(), trust_env=False, timeout=30) as http:
        for _ in range(20):
            assert http.get("/executor/readyz").is_success
    log = system.compose("logs", "--no-log-prefix", "gateway")
    addresses = [one["NetworkSettings"]["Networks"][f"{system.name}_inside"]["IPAddress"] for one in executors]
    assert all(f'"upstream":"{address}:8080' in log for address in addresses)


async def test_a_killed_service_starts_again_and_the_gateway_answers_with_retry_after_meanwhile(system: Project):
    async with httpx.AsyncClient(base_url=system.address(), trust_env=False, timeout=30) as http:
        system.compose("kill", "--signal", "KILL", "catalogue")
        answer = await http.get("/catalogue/readyz")
        if answer.status_code != 200:
            assert answer.status_code == 503
            assert answer.json()["code"] == "service_away"
            assert answer.headers["retry-after"] == "2"
        system.up("catalogue")
        assert (await http.get("/catalogue/readyz")).is_success


# --- the end of the system


def test_all_containers_stop_within_half_a_minute_without_being_killed(system: Project):
    with system.timed("stop all"):
        system.compose("stop", timeout=STOPS_WITHIN_SECONDS)
    codes: dict[str, Any] = {one["Name"]: one["State"]["ExitCode"] for one in system.containers()}
    assert KILLED not in codes.values(), codes
    ours = [one for one in system.containers() if one["Config"]["Image"] == system.image]
    assert {one["State"]["ExitCode"] for one in ours} == {0}, codes


async def test_stopped_containers_start_again_with_their_data(system: Project):
    with system.timed("start again"):
        await asyncio.to_thread(system.up)
    async with client_of(system) as client:
        assert (await ledger(client)).entries == SUBJECTS


def test_an_operator_examines_rebuilds_backs_up_and_restores(system: Project):
    with system.timed("doctor"):
        assert "all is well" in system.operator("doctor")
    with system.timed("rebuild the registry's read models while it runs"):
        assert "rebuilt from" in system.operator("rebuild", "registry")
    with system.timed("backup of the running system"):
        assert "complete" in system.operator("backup", "/data/first")
    with system.timed("stop the services, restore, start them"):
        system.compose("stop", "gateway", *SERVICES)
        assert "records refilled" in system.operator("restore", "--from", "/data/first")
        system.up()
    with system.timed("verify"):
        assert "everything holds" in system.operator("verify", "--no-folds")


def test_down_leaves_nothing_behind(system: Project):
    with system.timed("down"):
        profiles = ("--profile", "operator", "--profile", "scale")
        system.compose(*profiles, "down", "--volumes", "--timeout", "20", timeout=STOPS_WITHIN_SECONDS)
    assert system.left_behind() == []
