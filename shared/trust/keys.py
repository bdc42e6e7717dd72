"""The public keys that verify tokens. They are cached, and read again when they are old or a token names an unknown key.

If reading fails, the cached keys stay in use: a service keeps working while the identity provider is down. Reads because of an
unknown key are rate-limited, so that invalid tokens do not cause requests to the provider.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from shared.trust.settings import TrustSettings

log = logging.getLogger(__name__)

PublicKey = OKPKey | ECKey | RSAKey
KeySet = dict[str, PublicKey]
"""Keys by their `kid`."""

ALGORITHMS = {"OKP": ("EdDSA", "Ed25519"), "EC": ("ES256",), "RSA": ("RS256", "PS256")}
"""Algorithms for each type of key. None is symmetric: otherwise anyone with the public key could sign tokens."""

MIN_RSA_BITS = 2048


class KeysUnavailable(Exception):
    """No keys are cached, and they cannot be read."""


class TrustedKeys:
    """The current keys of one source. `max_age`: seconds until they are read again; `min_interval`: seconds between reads."""

    def __init__(
        self,
        read: Callable[[], Awaitable[KeySet]],
        *,
        max_age: float = 3600,
        min_interval: float = 30,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._max_age = max_age
        self._min_interval = min_interval
        self._clock = clock
        self._keys: KeySet | None = None
        self._read_at = 0.0
        self._attempted_at = 0.0
        self._reading = asyncio.Lock()

    async def current(self) -> KeySet:
        """The keys; the same object until they change. Raises KeysUnavailable."""
        if self._keys is None or self._clock() - self._read_at >= self._max_age:
            await self._refresh()
        if self._keys is None:
            raise KeysUnavailable
        return self._keys

    async def with_key(self, kid: str) -> KeySet:
        """The keys; read again if `kid` is unknown and the last read is at least `min_interval` ago. Raises KeysUnavailable."""
        if kid not in await self.current():
            await self._refresh()
        return await self.current()

    async def _refresh(self) -> None:
        async with self._reading:
            now = self._clock()
            if self._keys is not None and now - self._attempted_at < self._min_interval:
                return
            self._attempted_at = now
            try:
                keys = await self._read()
            except (OSError, ValueError, KeyError, TypeError, httpx.HTTPError, JoseError) as error:
                log.warning("cannot read the keys that verify tokens: %s", type(error).__name__, exc_info=error)
                return
            self._read_at = now
            if self._keys is None or _fingerprint(keys) != _fingerprint(self._keys):
                self._keys = keys


def trusted_keys(settings: TrustSettings, http: Callable[[], httpx.AsyncClient] = httpx.AsyncClient) -> TrustedKeys:
    """The keys of the configured source."""
    file, inline, issuer = settings.jwks_file, settings.jwks, settings.oidc_issuer
    if file is not None:
        return TrustedKeys(lambda: _read_file(file))
    if inline is not None:
        return TrustedKeys(lambda: _read_inline(inline), max_age=float("inf"), min_interval=float("inf"))
    assert issuer is not None
    return TrustedKeys(lambda: _discover(issuer, http))


def parse_jwks(text: str | bytes) -> KeySet:
    """The usable public keys of a JWKS. Keys of other types or uses, and weak keys, are skipped.

    Raises ValueError if no key is left: a service that cannot verify any token should fail at its start.
    """
    keys: KeySet = {}
    for data in cast("list[dict[str, Any]]", json.loads(text)["keys"]):
        key = _usable(data)
        if key is not None:
            key.ensure_kid()
            keys[str(key.kid)] = key
    if not keys:
        raise ValueError("the key set contains no usable public key")
    return keys


def _usable(data: dict[str, Any]) -> PublicKey | None:
    if data.get("kty") not in ALGORITHMS or data.get("use", "sig") != "sig":
        return None
    if data.get("alg") not in (None, *ALGORITHMS[data["kty"]]):
        return None
    public = {
        name: value for name, value in data.items() if name not in ("d", "p", "q", "dp", "dq", "qi", "oth", "key_ops")
    }
    key = JWKRegistry.import_key(public)
    match key:
        case OKPKey() if key.curve_name == "Ed25519":
            return key
        case ECKey() if key.curve_name == "P-256":
            return key
        case RSAKey() if key.raw_value.key_size >= MIN_RSA_BITS:
            return key
        case _:
            return None


def _fingerprint(keys: KeySet) -> dict[str, str]:
    return {kid: key.thumbprint() for kid, key in keys.items()}


async def _read_file(path: Path) -> KeySet:
    return parse_jwks(await asyncio.to_thread(path.read_bytes))


async def _read_inline(text: str) -> KeySet:
    return parse_jwks(text)


async def _discover(issuer: str, http: Callable[[], httpx.AsyncClient]) -> KeySet:
    """OpenID Connect Discovery 1.0, section 4: the document must name exactly the configured issuer."""
    async with http() as client:
        response = await client.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration", timeout=10)
        document = cast("dict[str, Any]", response.raise_for_status().json())
        if document["issuer"] != issuer:
            raise ValueError("the discovery document names another issuer")
        address = str(document["jwks_uri"])
        if issuer.startswith("https://") and not address.startswith("https://"):
            raise ValueError("the keys of an https issuer must be served over https")
        keys = await client.get(address, timeout=10)
        return parse_jwks(keys.raise_for_status().content)
