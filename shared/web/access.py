"""Access control. Every route that is not public declares its callers: `who: Annotated[Principal, Depends(require(…))]`.

A role says which kind of action a caller may take. Whether its department may take it for this entry or in this domain is decided
by the law book and the domain, not here.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from shared.authority import CallerKind, kind_of_caller, upheld
from shared.calendar.clock import Clock
from shared.calendar.working_days import today
from shared.contracts.event import DepartmentId
from shared.lawbook.book import LawBook
from shared.rejection import Rejected, reject
from shared.trust.keys import KeysUnavailable
from shared.trust.principal import OfficerRole, Principal
from shared.trust.verifier import TokenRefused, TokenVerifier
from shared.web.correlation import correlation
from shared.web.wording import Term

log = logging.getLogger(__name__)

_CALLERS = "liandong.callers"
"""The key of the request's scope with the verified callers, by requirement."""

_SCHEME = HTTPBearer(
    bearerFormat="JWT",
    description="OAuth2 访问令牌，载明部门与角色 / An OAuth2 access token that names a department and roles",
)


class Requirement(SecurityBase):
    """A dependency that returns the caller: a valid token with one of the roles, or with any role when none is named.

    It is its own security scheme for OpenAPI. That saves resolving one more dependency in every request.
    """

    model = _SCHEME
    scheme_name = "token"

    def __init__(self, roles: frozenset[OfficerRole], *, founding: bool = False) -> None:
        """`founding`: a credit office may call before there is any law book: it publishes the first one."""
        self.roles = roles
        self._founding = founding

    async def __call__(self, request: Request) -> Principal:
        """Raises Rejected with `unauthenticated`, `forbidden_role` or `identity_provider_unavailable`.

        A route asks twice, before and after it reads the body (shared/web/routing.py); the caller is verified once.
        """
        known: dict[int, Principal] = request.scope.setdefault(_CALLERS, {})
        if id(self) not in known:
            known[id(self)] = await self._caller(request)
        return known[id(self)]

    async def _caller(self, request: Request) -> Principal:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise _unauthenticated("missing")
        caller = await self._upheld(request, await _verified(request.app.state.verifier, token.strip()))
        if self.roles and not caller.has(*self.roles):
            raise reject("forbidden_role", required=sorted(self.roles), held=sorted(caller.roles))
        return caller

    async def _upheld(self, request: Request, caller: Principal) -> Principal:
        """The caller with the roles that the law book upholds (shared/authority)."""
        is_operator = kind_of_caller(caller) is CallerKind.OPERATOR
        if OfficerRole.OPERATOR in self.roles:  # operators' routes work without a law book
            return upheld(caller, LawBook.empty(), date.max) if is_operator else caller.without(OfficerRole.OPERATOR)
        if is_operator:
            raise reject("caller_without_department")
        current: Callable[[], Awaitable[LawBook]] = request.app.state.lawbook
        book = await current()
        if self._founding and not book.version and caller.has(OfficerRole.CREDIT_OFFICE) and caller.department:
            return caller
        return upheld(caller, book, today(request.app.state.clock.now()))


def require(*roles: OfficerRole) -> Callable[..., Awaitable[Principal]]:
    """The dependency for callers with at least one of these roles. Raises ValueError without a role: use `Caller` then."""
    if not roles:
        raise ValueError("name the roles, or use Caller for every department's caller")
    return Requirement(frozenset(roles))


founding_credit_office = Requirement(frozenset({OfficerRole.CREDIT_OFFICE}), founding=True)
"""The dependency of the catalogue's routes by which the first law book is published."""

Caller = Annotated[Principal, Depends(Requirement(frozenset()))]
"""Any officer or system of a department that the law book names, whatever the role."""


def department_of(caller: Principal) -> DepartmentId:
    """The caller's department. Raises Rejected (`forbidden_department`) if it acts for none."""
    if caller.department is None:
        raise reject("forbidden_department")
    return caller.department


def require_department(caller: Principal, department: DepartmentId, *exempt: OfficerRole) -> None:
    """Raises Rejected (`forbidden_department`) if the caller is of another department and has none of the exempt roles."""
    if caller.department != department and not caller.has(*exempt):
        raise reject("forbidden_department")


def use_authority(
    app: FastAPI, verifier: TokenVerifier, lawbook: Callable[[], Awaitable[LawBook]], clock: Clock
) -> None:
    """Verify the tokens of all requests with this verifier, and uphold their roles by this law book."""
    app.state.verifier = verifier
    app.state.lawbook = lawbook
    app.state.clock = clock


async def _verified(verifier: TokenVerifier, token: str) -> Principal:
    try:
        return await verifier.verify(token)
    except TokenRefused as refused:
        log.info("token refused: %s (correlation %s)", refused.fault.value, correlation())
        raise _unauthenticated(refused.fault.value) from None
    except KeysUnavailable:
        raise reject("identity_provider_unavailable") from None


def _unauthenticated(reason: str) -> Rejected:
    return reject("unauthenticated", reason=Term(f"token.{reason}"))
