"""Settings, and how a child process comes to have the same."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from liandong.cannot_start import CannotStart
from liandong.home import Home
from shared.messaging.broker import Security
from shared.runtime.settings import Settings
from tests.holidays import notice_file


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


def test_the_notices_of_holidays_are_read_from_the_named_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert Settings().holiday_notices() == ()
    monkeypatch.setenv("LIANDONG_HOLIDAYS", "")  # as compose passes a variable that is not set
    assert Settings().holiday_notices() == ()
    monkeypatch.setenv("LIANDONG_HOLIDAYS", str(notice_file(tmp_path, 2027, 2028)))
    assert [notice.year for notice in Settings().holiday_notices()] == [2027, 2028]


def test_a_node_does_not_start_with_a_faulty_notice_and_names_the_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faulty = tmp_path / "holidays.csv"
    faulty.write_text("year,day,kind,document_number\n2027,2027-13-01,off,示例1号\n", encoding="utf-8")
    monkeypatch.setenv("LIANDONG_HOLIDAYS", str(faulty))
    with pytest.raises(CannotStart, match="LIANDONG_HOLIDAYS: line 2: '2027-13-01' is no day"):
        Home(tmp_path).settings("postgresql+asyncpg://127.0.0.1/postgres", "127.0.0.1:9092")
