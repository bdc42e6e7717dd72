"""The development issuer: its tokens are valid, and its private key stays private."""

import json
from pathlib import Path

import pytest

from shared.trust import OfficerRole, Principal, TokenRefused, TokenVerifier
from shared.trust.issuer import DevelopmentIssuer
from tests.web.tokens import ManualClock


async def test_tokens_of_the_development_issuer_are_valid_under_its_settings(tmp_path: Path) -> None:
    issuer = DevelopmentIssuer(tmp_path / "trust")
    token = issuer.issue("luoyang-court", [OfficerRole.LISTER], subject="lister-1", minutes=5)
    principal = await TokenVerifier(issuer.trust).verify(token)
    assert principal == Principal("lister-1", principal.department, frozenset({OfficerRole.LISTER}))


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_the_development_key_is_private_made_once_and_never_published(tmp_path: Path) -> None:
    first = DevelopmentIssuer(tmp_path)
    before = first.jwks_file.read_text()
    token = DevelopmentIssuer(tmp_path).issue(None, [])
    assert await TokenVerifier(first.trust).verify(token)
    assert first.jwks_file.read_text() == before
    assert (tmp_path / "issuer.jwk").stat().st_mode & 0o777 == 0o600
    assert "d" not in json.loads(before)["keys"][0]
    assert _names(tmp_path) == ["issuer.jwk", "jwks.json"]


async def test_a_token_of_the_development_issuer_ends(tmp_path: Path) -> None:
    issuer, clock = DevelopmentIssuer(tmp_path), ManualClock()
    verifier = TokenVerifier(issuer.trust, clock=clock)
    token = issuer.issue(None, [OfficerRole.SYSTEM], minutes=1)
    await verifier.verify(token)
    clock.now += 95
    with pytest.raises(TokenRefused):
        await verifier.verify(token)
