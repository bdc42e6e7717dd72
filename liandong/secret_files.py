"""The secrets of a deployment, one a file, made once and never written over: what docker compose mounts under /run/secrets.

A site that keeps its secrets elsewhere puts files of the same names there and needs none of this. A file that exists is kept,
so the command can be repeated after a service was added; a password is changed by deleting its file, repeating, and starting
the jobs `databases` and `topics` again.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from liandong.node import SERVICES
from shared.identity.secret import make_secrets
from shared.trust.issuer import JWKS_FILE, KEY_FILE, DevelopmentIssuer

Say = Callable[[str], None]

_PASSWORD_BYTES = 24

# Readable for all, in a folder that only its owner may enter: inside a container the file alone is mounted, and the user there
# is nobody whom the host knows.
_FOLDER_MODE = 0o700
_FILE_MODE = 0o444

PASSWORDS = (
    "postgres_admin",
    "kafka_operator",
    *(f"{service}_{what}" for service in SERVICES for what in ("owner", "database", "kafka")),
)
"""Of each service: who owns its database, who works in it, and who it is on Kafka."""


def make(folder: Path, say: Say) -> None:
    """Make what is missing. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(_FOLDER_MODE)
    made = [name for name in PASSWORDS if _once(folder / name, lambda: secrets.token_urlsafe(_PASSWORD_BYTES))]
    if _once(folder / "identity.json", lambda: make_secrets().to_json()):
        made.append("identity.json")
    DevelopmentIssuer(folder)
    for name in (KEY_FILE, JWKS_FILE):
        (folder / name).chmod(_FILE_MODE)
    _hand_over(folder)
    say(f"{folder}: {len(made)} made / 新建 {len(made)} 个" if made else f"{folder}: complete / 已齐全")


def _once(path: Path, value: Callable[[], str]) -> bool:
    """Write a file that is not there. True when it was written."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    except FileExistsError:
        return False
    with os.fdopen(file, "w", encoding="utf-8") as opened:
        opened.write(value())
    path.chmod(_FILE_MODE)  # whatever the umask says
    return True


def _hand_over(folder: Path) -> None:
    """In a container this runs as root; on the host the files belong to whoever owns the folder."""
    owner = folder.stat()
    if os.geteuid() == 0:
        for path in folder.iterdir():
            os.chown(path, owner.st_uid, owner.st_gid)
