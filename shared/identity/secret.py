"""The identity secrets: the secret of the keys of natural persons, and the encryption keys of personal data.

Without the first, records of persons cannot be found; if it changes, every person gets a new key. Without the others, names
cannot be decrypted. So the secrets are created once, stored in one file or settings value, and never overwritten.
"""

import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from shared.identity.keys import MIN_SECRET_BYTES, SubjectKeys
from shared.identity.sealing import Seal, make_seal_keys


class BadSecrets(Exception):
    """The settings value or file contains no usable secrets. The message names the error, never the content."""


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
    return IdentitySecrets(subject_key=secrets.token_bytes(MIN_SECRET_BYTES), seal_keys=make_seal_keys())


def parse_secrets(value: str) -> IdentitySecrets:
    """The secrets in a settings value (JSON as `to_json` writes it). Raises `BadSecrets`."""
    try:
        content = cast("dict[str, object]", json.loads(value))
        subject_key = urlsafe_b64decode(cast("str", content["subject_key"]))
        seal_keys = tuple(str(key) for key in cast("list[object]", content["seal_keys"]))
        parsed = IdentitySecrets(subject_key, seal_keys)
        parsed.keys()
        parsed.seal()
    except (ValueError, KeyError, TypeError) as error:
        # The message of the error could quote the secret; its type cannot.
        raise BadSecrets(f"identity secrets are not usable ({type(error).__name__})") from None
    return parsed


def load_secrets(path: Path) -> IdentitySecrets:
    """The secrets in a file. Raises `BadSecrets`, also when there is no such file."""
    try:
        value = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadSecrets(f"identity secrets cannot be read from {path}: {error.strerror}") from None
    return parse_secrets(value)


def load_or_make_secrets(path: Path) -> IdentitySecrets:
    """The secrets in the file; a missing file is created first (development). Only its owner can read the file (0600).

    The file is created atomically and never overwritten, so a second process that starts at the same time reads the secrets of
    the first.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(make_secrets().to_json())
        try:
            path.hardlink_to(draft)  # fails if another process was first; a rename would replace its secrets
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return load_secrets(path)
