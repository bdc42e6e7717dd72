"""Authentication: bearer tokens that name a department and roles, their verification, and a development issuer."""

from shared.trust.principal import OfficerRole, Principal
from shared.trust.settings import TrustSettings
from shared.trust.verifier import TokenFault, TokenRefused, TokenVerifier

__all__ = ["OfficerRole", "Principal", "TokenFault", "TokenRefused", "TokenVerifier", "TrustSettings"]
