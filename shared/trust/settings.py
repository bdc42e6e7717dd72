"""Which tokens are accepted. There is exactly one source of public keys: a JWKS file, an inline JWKS, or an OIDC issuer."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

DEVELOPMENT_ISSUER = "liandong-development"
AUDIENCE = "liandong"


class TrustSettings(BaseModel):
    """Part of a service's settings. With an OIDC issuer, its URL is the expected `iss`, and `issuer` is not used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jwks_file: Path | None = None
    jwks: str | None = Field(default=None, description="A JSON Web Key Set as text")
    oidc_issuer: str | None = Field(default=None, description="Base URL of `.well-known/openid-configuration`")
    issuer: str = Field(default=DEVELOPMENT_ISSUER, description="Expected `iss`", min_length=1)
    audience: str = Field(default=AUDIENCE, description="Expected `aud`", min_length=1)
    department_claim: str = Field(default="department", description="Dotted path of the claim")
    roles_claim: str = Field(
        default="roles", description="Dotted path, e.g. `realm_access.roles`; roles of other systems are ignored"
    )
    leeway_seconds: int = Field(default=30, ge=0, le=300, description="Accepted difference between the clocks")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = [source for source in (self.jwks_file, self.jwks, self.oidc_issuer) if source is not None]
        if len(sources) != 1:
            raise ValueError("give exactly one of jwks_file, jwks and oidc_issuer")
        return self

    @property
    def expected_issuer(self) -> str:
        return self.oidc_issuer or self.issuer
