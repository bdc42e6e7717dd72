"""The texts of this project, as the tests of this folder read them."""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = ROOT / "services" / "catalogue" / "data" / "documents"
REQUIREMENTS = ROOT / "docs" / "requirements.md"
PROSE = (".py", ".md", ".yaml", ".yml", ".toml", ".sql", ".html")

_HERE = Path(__file__).parent
"""Left out: the tests of this folder contain wrong references on purpose."""
_BUILT = frozenset({"build", "dist", "node_modules", "__pycache__"})


def files(*suffixes: str) -> list[Path]:
    """Every file of the project with one of these suffixes, official documents left out."""
    return sorted(path for path in _walk() if path.suffix in suffixes)


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def names_of_tests() -> frozenset[str]:
    """The names of all test functions."""
    return frozenset(
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r"^\s*(?:async )?def (test_\w+)", text(path), re.M)
    )


@cache
def files_of_tests() -> frozenset[str]:
    return frozenset(path.name for path in (ROOT / "tests").rglob("test_*.py"))


def _walk() -> Iterator[Path]:
    for folder, below, names in os.walk(ROOT):
        here = Path(folder)
        below[:] = [name for name in below if not name.startswith(".") and name not in _BUILT]
        below[:] = [name for name in below if here / name not in (_HERE, DOCUMENTS)]
        yield from (here / name for name in names)
