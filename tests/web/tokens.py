"""Keys, claims and signed tokens for the tests of shared/trust."""

import json
import time
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from shared.trust import TrustSettings
from shared.trust.keys import parse_jwks

Key = OKPKey | ECKey | RSAKey
ED, EC, RSA = (
    OKPKey.generate_key("Ed25519", auto_kid=True),
    ECKey.generate_key("P-256", auto_kid=True),
    RSAKey.generate_key(2048, auto_kid=True),
)


def jwks(*keys: Key | OctKey) -> str:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]})


TRUST = TrustSettings(jwks=jwks(ED, EC, RSA), issuer="https://id.example", leeway_seconds=30)


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {
        "iss": "https://id.example",
        "aud": "liandong",
        "sub": "officer-1",
        "exp": now + 600,
        "nbf": now,
        "iat": now,
    }
    usual |= {"department": "luoyang-court", "roles": ["lister"]}
    return {name: value for name, value in {**usual, **changed}.items() if value is not None}


def signed(key: Key = ED, alg: str = "EdDSA", header: dict[str, Any] | None = None, **changed: Any) -> str:
    return jwt.encode({"alg": alg, "kid": key.kid, **(header or {})}, claims(**changed), key, algorithms=[alg])


class ManualClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


class Published:
    """A source of keys that a test changes or makes unavailable."""

    def __init__(self, *keys: Key) -> None:
        self.keys = keys
        self.reads = 0
        self.away = False

    async def read(self) -> dict[str, Any]:
        self.reads += 1
        if self.away:
            raise ConnectionError
        return dict(parse_jwks(jwks(*self.keys)))
