"""One compose project for all tests of this package: built, set up and started once, always removed at the end."""

from collections.abc import Generator

import pytest

from tests.compose.project import Project

_SECONDS: dict[str, float] = {}
"""Seconds per step; printed at the end."""


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Generator[Project]:
    """A project with image and secrets, without running containers."""
    project = Project(tmp_path_factory.mktemp("compose"), seconds=_SECONDS)
    try:
        with project.timed("build the images"):
            project.compose("build", "topics", "operator")
        with project.timed("make the secrets"):
            project.compose("run", "--rm", "--no-TTY", "secrets")
        yield project
    finally:
        project.remove()


@pytest.fixture(scope="session")
def system(built: Project) -> Project:
    """The running system."""
    with built.timed("up, from empty volumes to all healthy"):
        built.up()
    return built


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _SECONDS:
        terminalreporter.section("steps")
    for step, seconds in _SECONDS.items():
        terminalreporter.write_line(f"{seconds:7.1f} s  {step}")
