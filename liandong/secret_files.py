"""The secrets of a deployment, one file each, created once and never overwritten. docker compose mounts them in /run/secrets.

A site with its own secret store provides files with the same names and does not need this module. Existing files are kept, so
the command can be repeated after a service was added. To change a password: delete its file, repeat the command, and run the
jobs `databases` and `topics` again.
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

# World-readable files in a folder that only its owner may enter: a container mounts the single file, and its user id does not
# exist on the host.
_FOLDER_MODE = 0o700
_FILE_MODE = 0o444

PASSWORDS = (
    "postgres_admin",
    "kafka_operator",
    *(f"{service}_{what}" for service in SERVICES for what in ("owner", "database", "kafka")),
)
"""For each service: the owner of its database, its runtime role in the database, and its account on Kafka."""


def make(folder: Path, say: Say) -> None:
    """Create the missing files. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(_FOLDER_MODE)
    made = [
        name for name in PASSWORDS if _write_if_missing(folder / name, lambda: secrets.token_urlsafe(_PASSWORD_BYTES))
    ]
    if _write_if_missing(folder / "identity.json", lambda: make_secrets().to_json()):
        made.append("identity.json")
    DevelopmentIssuer(folder)
    for name in (KEY_FILE, JWKS_FILE):
        (folder / name).chmod(_FILE_MODE)
    _give_to_folder_owner(folder)
    say(f"{folder}: {len(made)} created / 新建 {len(made)} 个" if made else f"{folder}: complete / 已齐全")


def _write_if_missing(path: Path, value: Callable[[], str]) -> bool:
    """Write a file unless it exists. True when it was written."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    except FileExistsError:
        return False
    with os.fdopen(file, "w", encoding="utf-8") as opened:
        opened.write(value())
    path.chmod(_FILE_MODE)  # independent of the umask
    return True


def _give_to_folder_owner(folder: Path) -> None:
    """As root (in a container): the files get the owner of the folder, so that the host's user can manage them."""
    owner = folder.stat()
    if os.geteuid() == 0:
        for path in folder.iterdir():
            os.chown(path, owner.st_uid, owner.st_gid)
