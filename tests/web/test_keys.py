"""The keys that verify tokens: read, cached, replaced, discovered; weak and unknown keys are never used."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from joserfc.jwk import ECKey, RSAKey
from pydantic import ValidationError

from shared.trust import OfficerRole, TokenFault, TokenRefused, TokenVerifier, TrustSettings
from shared.trust.keys import KeysUnavailable, TrustedKeys, parse_jwks, trusted_keys
from tests.web.tokens import EC, ED, RSA, TRUST, ManualClock, Published, jwks, signed

pytestmark = pytest.mark.filterwarnings(
    "ignore::joserfc.errors.SecurityWarning"
)  # the tests sign with the deprecated EdDSA


async def test_a_new_key_is_found_when_a_token_names_it() -> None:
    published, clock = Published(ED), ManualClock()
    verifier = TokenVerifier(TRUST, keys=TrustedKeys(published.read, clock=clock))
    await verifier.verify(signed())
    published.keys = (ED, EC)
    clock.now += 31
    assert await verifier.verify(signed(EC, "ES256"))


async def test_tokens_with_unknown_keys_do_not_become_requests_to_the_provider() -> None:
    published = Published(ED)
    verifier = TokenVerifier(TRUST, keys=TrustedKeys(published.read, clock=ManualClock()))
    for number in range(20):
        with pytest.raises(TokenRefused):
            await verifier.verify(signed(EC, "ES256", sub=str(number)))
    assert published.reads == 1


async def test_a_withdrawn_key_is_not_trusted_even_for_a_cached_token() -> None:
    published, clock = Published(ED, EC), ManualClock()
    verifier = TokenVerifier(TRUST, keys=TrustedKeys(published.read, max_age=3600, clock=clock))
    token = signed(EC, "ES256")
    assert await verifier.verify(token)
    published.keys = (ED,)
    clock.now += 3601
    with pytest.raises(TokenRefused) as refused:
        await verifier.verify(token)
    assert refused.value.fault is TokenFault.UNKNOWN_KEY


async def test_keys_stay_in_use_while_the_provider_is_away() -> None:
    published, clock = Published(ED), ManualClock()
    verifier = TokenVerifier(TRUST, keys=TrustedKeys(published.read, max_age=3600, clock=clock))
    assert await verifier.verify(signed(sub="a"))
    published.away = True
    clock.now += 10_000
    assert await verifier.verify(signed(sub="b"))
    assert published.reads == 2
    assert await verifier.verify(signed(sub="c"))
    assert published.reads == 2


async def test_without_any_keys_every_token_is_refused_with_the_reason() -> None:
    published = Published(ED)
    published.away = True
    with pytest.raises(KeysUnavailable):
        await TokenVerifier(TRUST, keys=TrustedKeys(published.read)).verify(signed())


def provider(document: dict[str, Any], keys: str) -> Callable[[], httpx.AsyncClient]:
    """An identity provider over HTTP."""
    app = FastAPI()

    @app.get("/realm/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        return document

    @app.get("/realm/keys")
    async def published() -> Any:
        return json.loads(keys)

    return lambda: httpx.AsyncClient(transport=httpx.ASGITransport(app))


async def test_keys_are_discovered_at_an_oidc_issuer_with_its_own_claims() -> None:
    issuer = "https://id.example/realm"
    trust = TrustSettings(
        oidc_issuer=issuer, roles_claim="realm_access.roles", department_claim="https://id.example/dept"
    )
    http = provider({"issuer": issuer, "jwks_uri": f"{issuer}/keys"}, jwks(RSA))
    verifier = TokenVerifier(trust, keys=trusted_keys(trust, http))
    own: dict[str, Any] = {"realm_access": {"roles": ["auditor"]}, "https://id.example/dept": "luoyang-credit"}
    principal = await verifier.verify(signed(RSA, "RS256", None, iss=issuer, department=None, **own))
    assert (principal.department, principal.roles) == ("luoyang-credit", {OfficerRole.AUDITOR})


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example", "jwks_uri": "https://id.example/realm/keys"},
        {"issuer": "https://id.example/realm", "jwks_uri": "http://id.example/realm/keys"},
        {"issuer": "https://id.example/realm"},
        {"issuer": "https://id.example/realm", "jwks_uri": "https://id.example/realm/missing"},
    ],
)
async def test_a_discovery_document_that_does_not_fit_its_issuer_is_not_used(document: dict[str, Any]) -> None:
    trust = TrustSettings(oidc_issuer="https://id.example/realm")
    with pytest.raises(KeysUnavailable):
        await trusted_keys(trust, provider(document, jwks(RSA))).current()


def test_weak_and_foreign_keys_are_left_out_of_a_key_set() -> None:
    weak = RSAKey.generate_key(1024, auto_kid=True)
    other_curve = ECKey.generate_key("P-384", auto_kid=True)
    encrypting = {**RSA.as_dict(private=False), "use": "enc", "kid": "enc"}
    keys = json.loads(jwks(weak, other_curve, ED))["keys"]
    assert list(parse_jwks(json.dumps({"keys": [*keys, encrypting, {"kty": "AKP", "kid": "new"}]}))) == [ED.kid]
    with pytest.raises(ValueError, match="no usable"):
        parse_jwks(json.dumps({"keys": [encrypting]}))


def test_settings_name_exactly_one_source_of_keys(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        TrustSettings()
    with pytest.raises(ValidationError):
        TrustSettings(jwks_file=tmp_path, oidc_issuer="https://id.example")
