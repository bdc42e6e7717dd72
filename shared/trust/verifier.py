"""From a token to a principal: signature, issuer, audience and time are checked, and the result is kept while it holds.

Only asymmetric algorithms are known here, and which one is allowed is decided by the key, not by the token: `none` and
HS256 (with a public key as the secret) have no way in. A token that was verified is remembered by its hash until it
expires or the keys change, so that the check before every grant costs no signature.
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

REMEMBERED = 10_000
"""How many verified tokens are kept: the systems of some hundred departments, and their officers."""

LONGEST_TOKEN = 16_384

_END_OF_TIME = 2.0**53
"""Seconds; an `exp` beyond it is no longer exact as a float."""


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
    """The token is not to be believed. It is never part of the message."""

    def __init__(self, fault: TokenFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class _Registry(JWSRegistry):
    """Ignores unknown header parameters, as RFC 7515 asks (`crit` is obeyed), and takes EdDSA without a warning."""

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
    until: float
    keys: KeySet


class TokenVerifier:
    """Verifies the tokens of one issuer. Use one instance an application."""

    def __init__(
        self,
        settings: TrustSettings,
        *,
        keys: TrustedKeys | None = None,
        clock: Callable[[], float] = time.time,
        remembered: int = REMEMBERED,
    ) -> None:
        self._settings = settings
        self._keys = keys or trusted_keys(settings)
        self._clock = clock
        self._remembered = remembered
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()
        self.signatures_checked = 0
        """How often a token was not remembered; for metrics and tests."""

    async def verify(self, token: str) -> Principal:
        """The caller whom the token names. Raises TokenRefused, or KeysUnavailable when no keys can be had."""
        keys = await self._keys.current()
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._verified.get(digest)
        if known is not None and known.keys is keys and self._clock() < known.until:
            self._verified.move_to_end(digest)
            return known.principal
        self._verified.pop(digest, None)
        claims, keys = await self._claims(token, keys)
        self._check(claims)
        principal = self._principal(claims)
        self._verified[digest] = _Verified(
            principal, min(claims["exp"], _END_OF_TIME) + self._settings.leeway_seconds, keys
        )
        if len(self._verified) > self._remembered:
            self._verified.popitem(last=False)
        return principal

    async def _claims(self, token: str, keys: KeySet) -> tuple[dict[str, Any], KeySet]:
        """The claims of a token that is signed with one of our keys, and the keys that were current then."""
        try:
            return self._open(token, keys), keys
        except _UnknownKey as unknown:
            keys = await self._keys.after_unknown(unknown.kid)
        try:
            return self._open(token, keys), keys
        except _UnknownKey:
            raise TokenRefused(TokenFault.UNKNOWN_KEY) from None

    def _open(self, token: str, keys: KeySet) -> dict[str, Any]:
        if len(token) > LONGEST_TOKEN or not token.isascii():
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
            raise TokenRefused(_OF_CLAIM.get(error.claim, TokenFault.CLAIMS)) from None

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        """Roles of other systems are ignored; a department that is no text is an error of the issuer."""
        department = _at(claims, self._settings.department_claim)
        if department is not None and (not isinstance(department, str) or not department):
            raise TokenRefused(TokenFault.CLAIMS)
        named = _at(claims, self._settings.roles_claim)
        names = cast("list[object]", named) if isinstance(named, list) else []
        roles = frozenset(role for role in OfficerRole if role.value in names)
        return Principal(str(claims["sub"]), None if department is None else DepartmentId(department), roles)


_OF_CLAIM = {
    "iss": TokenFault.ISSUER,
    "aud": TokenFault.AUDIENCE,
    "nbf": TokenFault.NOT_YET_VALID,
    "iat": TokenFault.NOT_YET_VALID,
}


def _key_for(header: Mapping[str, Any], keys: KeySet) -> PublicKey:
    """The key that the header names; the only one when it names none. The algorithm must be one for its type."""
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
    """The claim of this name (names of URL form have dots too), else the one at this dotted path, else None."""
    if path in claims:
        return claims[path]
    found: object = claims
    for step in path.split("."):
        found = cast("Mapping[str, object]", found).get(step) if isinstance(found, Mapping) else None
    return found
