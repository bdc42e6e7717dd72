"""The development issuer: tokens for a local node, tests and the demo, without an identity provider.

Its private key never leaves its folder (mode 0600); services read only `jwks.json`. Anyone who can read the folder can act as any
user: in production, configure an OIDC issuer instead.
"""

import json
import os
import secrets
import time
from collections.abc import Iterable
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import OKPKey
from uuid_utils import uuid7

from shared.contracts.event import DepartmentId
from shared.trust.principal import OfficerRole
from shared.trust.settings import AUDIENCE, DEVELOPMENT_ISSUER, TrustSettings

KEY_FILE = "issuer.jwk"
JWKS_FILE = "jwks.json"

_ALGORITHM = "Ed25519"
"""The name in RFC 9864. From other issuers the older `EdDSA` is accepted too."""


class DevelopmentIssuer:
    """The issuer of a folder. Its Ed25519 key is created on first use. Processes that start at once use the same key."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / KEY_FILE
        if not path.exists():
            _create_once(path, json.dumps(OKPKey.generate_key("Ed25519", auto_kid=True).as_dict(private=True)))
        path.chmod(0o600)
        self._key = OKPKey.import_key(json.loads(path.read_text(encoding="utf-8")))
        self.jwks_file = folder / JWKS_FILE
        """The file with the public key, for the settings of services."""
        self._publish()

    @property
    def trust(self) -> TrustSettings:
        """Settings with which a service accepts tokens of this issuer."""
        return TrustSettings(jwks_file=self.jwks_file)

    def issue(
        self,
        department: DepartmentId | str | None,
        roles: Iterable[OfficerRole],
        subject: str = "developer",
        minutes: float = 480,
    ) -> str:
        """A token that is valid from now, for so many minutes."""
        now = int(time.time())
        claims = {
            "iss": DEVELOPMENT_ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now,
            "nbf": now,
            "exp": now + int(minutes * 60),
            "jti": str(uuid7()),
            "roles": sorted(role.value for role in roles),
        }
        if department is not None:
            claims["department"] = department
        return jwt.encode({"alg": _ALGORITHM, "kid": self._key.kid}, claims, self._key, algorithms=[_ALGORITHM])

    def _publish(self) -> None:
        public = {**self._key.as_dict(private=False), "use": "sig", "alg": _ALGORITHM}
        text = json.dumps({"keys": [public]}, indent=2) + "\n"
        if not self.jwks_file.exists() or self.jwks_file.read_text(encoding="utf-8") != text:
            new = self.jwks_file.with_suffix(f".{secrets.token_hex(4)}")
            new.write_text(text, encoding="utf-8")
            new.replace(self.jwks_file)


def _create_once(path: Path, text: str) -> None:
    """Create a private file atomically. If another process was first, its file stays."""
    new = path.with_suffix(f".{secrets.token_hex(4)}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(new, path)
    except FileExistsError:
        pass
    finally:
        new.unlink()
