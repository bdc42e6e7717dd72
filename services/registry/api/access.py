"""The officers who oversee: the credit office and auditors."""

from typing import Annotated

from fastapi import Depends

from shared.trust import OfficerRole, Principal
from shared.web.access import require

Overseer = Annotated[Principal, Depends(require(OfficerRole.CREDIT_OFFICE, OfficerRole.AUDITOR))]
