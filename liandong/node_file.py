"""The file in which a running node writes its process id and address. A module of its own, so that it is cheap to import."""

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

NODE_FILE = "node.json"


@contextmanager
def announced(folder: Path, address: str) -> Generator[None]:
    """The file exists as long as the block runs."""
    file = folder / NODE_FILE
    file.write_text(json.dumps({"pid": os.getpid(), "address": address}))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def address_of_node(folder: Path) -> str | None:
    """The address of the node of this folder; None when its process does not run."""
    try:
        node = json.loads((folder / NODE_FILE).read_text(encoding="utf-8"))
        os.kill(node["pid"], 0)
    except (OSError, ValueError, KeyError):
        return None
    return str(node["address"])
