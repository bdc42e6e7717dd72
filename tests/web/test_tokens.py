"""Only a valid token signed with a trusted key, for this audience, is accepted; checking it again is cheap."""

import base64
import hmac
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey

from shared.trust import OfficerRole, Principal, TokenFault, TokenRefused, TokenVerifier, TrustSettings
from tests.web.tokens import EC, ED, RSA, TRUST, Key, ManualClock, claims, jwks, signed

pytestmark = pytest.mark.filterwarnings(
    "ignore::joserfc.errors.SecurityWarning"
)  # the tests sign with the deprecated EdDSA


async def fault_of(token: str, trust: TrustSettings = TRUST) -> TokenFault:
    with pytest.raises(TokenRefused) as refused:
        await TokenVerifier(trust).verify(token)
    assert not token or token not in str(refused.value)
    return refused.value.fault


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("key", "alg"), [(ED, "EdDSA"), (ED, "Ed25519"), (EC, "ES256"), (RSA, "RS256"), (RSA, "PS256")]
)
async def test_a_token_names_the_caller_its_department_and_its_roles(key: Key, alg: str) -> None:
    principal = await TokenVerifier(TRUST).verify(signed(key, alg, roles=["lister", "approver", "offline_access"]))
    assert principal.subject == "officer-1"
    assert principal.department == "luoyang-court"
    assert principal.roles == {OfficerRole.LISTER, OfficerRole.APPROVER}


async def test_a_caller_without_department_and_roles_may_do_nothing() -> None:
    principal = await TokenVerifier(TRUST).verify(signed(department=None, roles=None))
    assert principal == Principal("officer-1", None, frozenset())


IN_A_DAY = int(time.time()) + 24 * 3600
"""A day after the collection of these tests, so that no test run lasts until then."""


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"exp": int(time.time()) - 31}, TokenFault.EXPIRED),
        ({"exp": None}, TokenFault.CLAIMS),
        ({"exp": "tomorrow"}, TokenFault.CLAIMS),
        ({"nbf": IN_A_DAY}, TokenFault.NOT_YET_VALID),
        ({"iat": IN_A_DAY}, TokenFault.NOT_YET_VALID),
        ({"aud": "another-system"}, TokenFault.AUDIENCE),
        ({"aud": ["another-system", "a-third"]}, TokenFault.AUDIENCE),
        ({"aud": None}, TokenFault.AUDIENCE),
        ({"iss": "https://evil.example"}, TokenFault.ISSUER),
        ({"iss": None}, TokenFault.ISSUER),
        ({"sub": None}, TokenFault.CLAIMS),
        ({"sub": ""}, TokenFault.CLAIMS),
        ({"department": 7}, TokenFault.CLAIMS),
        ({"department": ""}, TokenFault.CLAIMS),
    ],
)
async def test_a_token_for_others_or_for_another_time_is_refused(changed: dict[str, Any], fault: TokenFault) -> None:
    assert await fault_of(signed(**changed)) is fault


async def test_clocks_may_differ_by_the_leeway() -> None:
    now = int(time.time())
    assert await TokenVerifier(TRUST).verify(signed(exp=now - 20))
    assert await TokenVerifier(TRUST).verify(signed(nbf=now + 20, iat=now + 20))


async def test_roles_that_are_no_list_are_no_roles() -> None:
    assert (await TokenVerifier(TRUST).verify(signed(roles="lister"))).roles == frozenset()


async def test_an_unsigned_token_is_refused() -> None:
    unsigned = f"{segment({'alg': 'none', 'kid': ED.kid})}.{segment(claims())}."
    assert await fault_of(unsigned) is TokenFault.ALGORITHM


@pytest.mark.parametrize("key", [ED, EC, RSA])
async def test_a_public_key_cannot_serve_as_the_secret_of_hs256(key: Key) -> None:
    public = key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (
        public,
        jwks(key).encode(),
        str(key.as_dict(private=False)["x" if isinstance(key, OKPKey | ECKey) else "n"]).encode(),
    ):
        content = f"{segment({'alg': 'HS256', 'kid': key.kid})}.{segment(claims())}"
        mac = base64.urlsafe_b64encode(hmac.digest(secret, content.encode(), "sha256")).rstrip(b"=").decode()
        assert await fault_of(f"{content}.{mac}") is TokenFault.ALGORITHM


async def test_a_symmetric_key_in_the_key_set_is_never_used() -> None:
    shared = OctKey.generate_key(256, auto_kid=True)
    trust = TrustSettings(jwks=jwks(ED, shared), issuer="https://id.example")
    forged = jwt.encode({"alg": "HS256", "kid": shared.kid}, claims(), shared, algorithms=["HS256"])
    assert await fault_of(forged, trust) is TokenFault.ALGORITHM


async def test_the_key_decides_which_algorithm_is_allowed_not_the_token() -> None:
    lying = f"{segment({'alg': 'RS256', 'kid': ED.kid})}.{segment(claims())}.{segment('x')}"
    assert await fault_of(lying) is TokenFault.ALGORITHM


async def test_a_key_inside_the_token_is_not_trusted() -> None:
    own = OKPKey.generate_key("Ed25519")
    forged = signed(own, header={"kid": ED.kid, "jwk": own.as_dict(private=False)})
    assert await fault_of(forged) is TokenFault.SIGNATURE


async def test_a_changed_token_is_refused() -> None:
    header, _, signature = signed().split(".")
    assert await fault_of(f"{header}.{segment(claims(roles=['operator']))}.{signature}") is TokenFault.SIGNATURE


async def test_an_unpublished_key_is_refused() -> None:
    assert await fault_of(signed(OKPKey.generate_key("Ed25519", auto_kid=True))) is TokenFault.UNKNOWN_KEY


async def test_a_token_that_names_no_key_is_accepted_only_if_there_is_one_key() -> None:
    nameless = jwt.encode({"alg": "EdDSA"}, claims(), ED, algorithms=["EdDSA"])
    assert await TokenVerifier(TrustSettings(jwks=jwks(ED), issuer="https://id.example")).verify(nameless)
    assert await fault_of(nameless) is TokenFault.UNKNOWN_KEY


@pytest.mark.parametrize(
    "garbage",
    [
        *("", ".", "..", "a.b.c", "Ünïcode", "x" * 20_000, f"{segment([])}.{segment({})}.x", f"{segment(7)}.x.x"),
        f"{segment({'alg': 'EdDSA', 'kid': 7})}.{segment({})}.x",
        f"{segment({'alg': ['EdDSA']})}.{segment({})}.x",
        f"{segment({'alg': 'EdDSA', 'crit': ['exp'], 'kid': 'k'})}.{segment({})}.x",
    ],
)
async def test_garbage_is_refused_as_malformed(garbage: str) -> None:
    assert await fault_of(garbage) is TokenFault.MALFORMED


async def test_claims_that_are_no_object_are_malformed() -> None:
    from joserfc import jws

    assert await fault_of(jws.serialize_compact({"alg": "Ed25519", "kid": ED.kid}, b"[1]", ED, ["Ed25519"])) is (
        TokenFault.MALFORMED
    )


@given(st.one_of(st.text(), st.lists(st.text(), min_size=3, max_size=3).map(".".join)))
async def test_any_other_text_is_refused_without_an_unexpected_error(anything: str) -> None:
    with pytest.raises(TokenRefused):
        await TokenVerifier(TRUST).verify(anything)


async def test_a_valid_token_is_checked_once_and_refused_when_it_has_expired() -> None:
    clock = ManualClock()
    verifier = TokenVerifier(TRUST, clock=clock)
    token = signed(exp=int(clock.now) + 600)
    for _ in range(100):
        await verifier.verify(token)
    assert verifier.signatures_checked == 1
    clock.now += 629
    assert await verifier.verify(token)
    clock.now += 2
    with pytest.raises(TokenRefused) as refused:
        await verifier.verify(token)
    assert refused.value.fault is TokenFault.EXPIRED


async def test_a_refused_token_is_not_cached_as_valid() -> None:
    verifier = TokenVerifier(TRUST)
    for _ in range(2):
        with pytest.raises(TokenRefused):
            await verifier.verify(signed(aud="another-system"))


async def test_the_cache_is_bounded_and_drops_the_least_recently_used_token() -> None:
    verifier = TokenVerifier(TRUST, cache_size=2)
    first, second, third = (signed(sub=name) for name in ("a", "b", "c"))
    for token in (first, second, first, third, first):
        await verifier.verify(token)
    assert verifier.signatures_checked == 3
    await verifier.verify(second)
    assert verifier.signatures_checked == 4
