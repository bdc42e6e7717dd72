"""Rewrites `kafka-jars.txt` after a change of the versions below: `python -m liandong.stack.relist_jars`."""

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

from jgo.maven import MavenContext
from jgo.parse import Coordinate

from liandong.stack.jars import LIST, repositories

_HEADER = "# Written by `python -m liandong.stack.relist_jars`: coordinates and SHA-256, in class path order."

ROOTS = (
    "org.apache.kafka:kafka_2.13:4.1.1",
    # Kafka has log4j but no bridge from slf4j 1.7 to it; the version is that of Kafka's log4j.
    "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3",
)


def main() -> None:
    lines: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        context = MavenContext(repo_cache=Path(scratch), remote_repos=repositories(), timeout=30)
        for root in ROOTS:
            # One root at a time, the first version wins: together, the managed versions of one root would change another's.
            wanted = context.create_dependency(replace(Coordinate.parse(root), scope="compile"))
            first, transitive = context.resolver.resolve([wanted])
            for needed in [*first, *(one for one in transitive if one.scope in ("compile", "runtime"))]:
                found = needed.artifact
                name = f"{found.groupId}:{found.artifactId}"
                if name not in lines:
                    checksum = hashlib.sha256(found.resolve().read_bytes()).hexdigest()
                    lines[name] = f"{name}:{found.version} {checksum}"
    LIST.write_text("\n".join([_HEADER, *lines.values()]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
