"""The two secrets of identity: the one that names natural persons and those that seal what is known of them.

Losing the first makes every person's records unfindable, losing the others makes names unreadable, and changing the
first gives everybody a new name. So they are made once, kept in one file or settings value, and never written over.
"""

import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from shared.identity.keys import SHORTEST_SECRET, SubjectKeys
from shared.identity.sealing import Seal, make_seal_keys


class BadSecrets(Exception):
    """The settings value or file holds no usable secrets; says what is wrong, never what it read."""


@dataclass(frozen=True, slots=True)
class IdentitySecrets:
    """`subject_key`: at least 32 bytes. `seal_keys`: Fernet keys, newest first. Neither is shown in a `repr`."""

    subject_key: bytes = field(repr=False)
    seal_keys: tuple[str, ...] = field(repr=False)

    def keys(self) -> SubjectKeys:
        return SubjectKeys(self.subject_key)

    def seal(self) -> Seal:
        return Seal(*self.seal_keys)

    def to_json(self) -> str:
        """The settings value: `{"subject_key": "<base64url>", "seal_keys": ["<fernet key>", …]}`."""
        return json.dumps(
            {"subject_key": urlsafe_b64encode(self.subject_key).decode(), "seal_keys": list(self.seal_keys)}
        )


def make_secrets() -> IdentitySecrets:
    """New random secrets, for development and for the first start of a deployment."""
    return IdentitySecrets(subject_key=secrets.token_bytes(SHORTEST_SECRET), seal_keys=make_seal_keys())


def parse_secrets(value: str) -> IdentitySecrets:
    """The secrets in a settings value (JSON as `to_json` writes it). Raises `BadSecrets`."""
    try:
        read = cast("dict[str, object]", json.loads(value))
        subject_key = urlsafe_b64decode(cast("str", read["subject_key"]))
        seal_keys = tuple(str(key) for key in cast("list[object]", read["seal_keys"]))
        found = IdentitySecrets(subject_key, seal_keys)
        found.keys()
        found.seal()
    except (ValueError, KeyError, TypeError) as error:
        # The text of the error could quote the secret; its type cannot.
        raise BadSecrets(f"identity secrets are not usable ({type(error).__name__})") from None
    return found


def load_secrets(path: Path) -> IdentitySecrets:
    """The secrets in a file. Raises `BadSecrets`, also when there is no such file."""
    try:
        value = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadSecrets(f"identity secrets cannot be read from {path}: {error.strerror}") from None
    return parse_secrets(value)


def load_or_make_secrets(path: Path) -> IdentitySecrets:
    """The secrets in the file, made first when there is none (development). The file is its owner's alone (0600).

    A second process that starts at the same moment reads what the first one made: the file appears complete, at once,
    and is never written over.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(make_secrets().to_json())
        try:
            path.hardlink_to(draft)  # fails when another process was first, where a rename would replace its secrets
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return load_secrets(path)
