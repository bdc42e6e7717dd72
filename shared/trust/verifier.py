"""Verifies tokens: signature, issuer, audience and time. The result is cached while the token is valid.

Only asymmetric algorithms are allowed, and the key decides which one, not the token. So `none` and HS256 (with a public key as
the secret) are impossible. A verified token is cached by its hash until it expires or the keys change, so that a repeated
request needs no signature check.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    ClaimError,
    ExpiredTokenError,
    JoseError,
    UnsupportedAlgorithmError,
)
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from shared.contracts.event import DepartmentId
from shared.trust.keys import ALGORITHMS, KeySet, PublicKey, TrustedKeys, trusted_keys
from shared.trust.principal import OfficerRole, Principal
from shared.trust.settings import TrustSettings

CACHE_SIZE = 10_000
"""The number of cached tokens: enough for the systems of some hundred departments and their officers."""

MAX_TOKEN_LENGTH = 16_384

_MAX_TIME = 2.0**53
"""Seconds. A larger `exp` is not exact as a float."""


class TokenFault(StrEnum):
    """Why a token was refused; the wording is `token.<value>`."""

    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    CLAIMS = "claims"


class TokenRefused(Exception):
    """The token is not valid. The message never contains the token."""

    def __init__(self, fault: TokenFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class _Registry(JWSRegistry):
    """Ignores unknown header parameters, as RFC 7515 requires (`crit` is obeyed), and accepts EdDSA without a warning."""

    max_header_length = 4096

    def __init__(self) -> None:
        allowed = [name for names in ALGORITHMS.values() for name in names]
        super().__init__(algorithms=allowed, strict_check_header=False)

    def get_alg(self, name: str) -> Any:
        if self.allowed is None or name not in self.allowed:
            raise UnsupportedAlgorithmError("algorithm not allowed")
        return self.algorithms[name]


_REGISTRY = _Registry()


class _UnknownKey(Exception):
    def __init__(self, kid: str) -> None:
        self.kid = kid


@dataclass(frozen=True, slots=True)
class _Verified:
    principal: Principal
    expires_at: float
    keys: KeySet


class TokenVerifier:
    """Verifies the tokens of one issuer. Use one instance for each application."""

    def __init__(
        self,
        settings: TrustSettings,
        *,
        keys: TrustedKeys | None = None,
        clock: Callable[[], float] = time.time,
        cache_size: int = CACHE_SIZE,
    ) -> None:
        self._settings = settings
        self._keys = keys or trusted_keys(settings)
        self._clock = clock
        self._cache_size = cache_size
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()
        self.signatures_checked = 0
        """How many tokens were not in the cache; for tests."""

    async def verify(self, token: str) -> Principal:
        """The caller named in the token. Raises TokenRefused, or KeysUnavailable if there are no keys to verify it with."""
        keys = await self._keys.current()
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._verified.get(digest)
        if known is not None and known.keys is keys and self._clock() < known.expires_at:
            self._verified.move_to_end(digest)
            return known.principal
        self._verified.pop(digest, None)
        claims, keys = await self._claims(token, keys)
        self._check(claims)
        principal = self._principal(claims)
        self._verified[digest] = _Verified(
            principal, min(claims["exp"], _MAX_TIME) + self._settings.leeway_seconds, keys
        )
        if len(self._verified) > self._cache_size:
            self._verified.popitem(last=False)
        return principal

    async def _claims(self, token: str, keys: KeySet) -> tuple[dict[str, Any], KeySet]:
        """The claims of a token signed with one of the trusted keys, and the key set that contained the key."""
        try:
            return self._decode(token, keys), keys
        except _UnknownKey as unknown:
            keys = await self._keys.with_key(unknown.kid)
        try:
            return self._decode(token, keys), keys
        except _UnknownKey:
            raise TokenRefused(TokenFault.UNKNOWN_KEY) from None

    def _decode(self, token: str, keys: KeySet) -> dict[str, Any]:
        if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
            raise TokenRefused(TokenFault.MALFORMED)
        self.signatures_checked += 1
        try:
            return jwt.decode(token, lambda signed: _key_for(signed.headers(), keys), registry=_REGISTRY).claims
        except UnsupportedAlgorithmError:
            raise TokenRefused(TokenFault.ALGORITHM) from None
        except BadSignatureError:
            raise TokenRefused(TokenFault.SIGNATURE) from None
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise TokenRefused(TokenFault.MALFORMED) from None

    def _check(self, claims: dict[str, Any]) -> None:
        settings = self._settings
        expected = JWTClaimsRegistry(
            now=lambda: int(self._clock()),
            leeway=settings.leeway_seconds,
            iss={"essential": True, "value": settings.expected_issuer},
            aud={"essential": True, "value": settings.audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            expected.validate(claims)
        except ExpiredTokenError:
            raise TokenRefused(TokenFault.EXPIRED) from None
        except ClaimError as error:
            raise TokenRefused(_FAULT_OF_CLAIM.get(error.claim, TokenFault.CLAIMS)) from None

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        """Roles of other systems are ignored. A department that is not text is an error of the issuer."""
        department = _at(claims, self._settings.department_claim)
        if department is not None and (not isinstance(department, str) or not department):
            raise TokenRefused(TokenFault.CLAIMS)
        claim = _at(claims, self._settings.roles_claim)
        names = cast("list[object]", claim) if isinstance(claim, list) else []
        roles = frozenset(role for role in OfficerRole if role.value in names)
        return Principal(str(claims["sub"]), None if department is None else DepartmentId(department), roles)


_FAULT_OF_CLAIM = {
    "iss": TokenFault.ISSUER,
    "aud": TokenFault.AUDIENCE,
    "nbf": TokenFault.NOT_YET_VALID,
    "iat": TokenFault.NOT_YET_VALID,
}


def _key_for(header: Mapping[str, Any], keys: KeySet) -> PublicKey:
    """The key named in the header, or the only key if none is named. The algorithm must be allowed for its type."""
    kid = header.get("kid")
    if kid is None and len(keys) == 1:
        key = next(iter(keys.values()))
    else:
        found = keys.get(str(kid))
        if found is None:
            raise _UnknownKey(str(kid))
        key = found
    if header.get("alg") not in ALGORITHMS[key.key_type]:
        raise TokenRefused(TokenFault.ALGORITHM)
    return key


def _at(claims: Mapping[str, Any], path: str) -> object:
    """The claim with this name (a URL as a name has dots too), else the claim at this dotted path, else None."""
    if path in claims:
        return claims[path]
    value: object = claims
    for step in path.split("."):
        value = cast("Mapping[str, object]", value).get(step) if isinstance(value, Mapping) else None
    return value
