"""Settings, and how a child process comes to have the same."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.messaging.broker import Security
from shared.runtime.settings import Settings


@pytest.fixture(autouse=True)
def no_liandong_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LIANDONG_")]:
        monkeypatch.delenv(name)


def test_a_child_process_has_the_same_settings_and_no_other_variables_of_liandong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LIANDONG_PARTITIONS", "12")
    monkeypatch.setenv("LIANDONG_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("OF_OTHERS", "kept")
    made = Settings(
        database_prefix="its_",
        kafka_security=Security.SASL_SSL,
        kafka_password_file=Path("/run/secrets/kafka"),
        identity=SecretStr('{"a": 1}'),
        departments="a,b",
        movable_clock=True,
    )
    environment = made.environment()
    assert environment["OF_OTHERS"] == "kept"
    assert "LIANDONG_LOG_LEVEL" not in environment
    for name in ("LIANDONG_PARTITIONS", "LIANDONG_LOG_LEVEL"):
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Settings() == made


def test_default_values_are_not_passed_on() -> None:
    assert Settings().environment() == dict(os.environ)
