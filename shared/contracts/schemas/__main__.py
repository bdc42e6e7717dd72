"""`python -m shared.contracts.schemas` writes the snapshots."""

from shared.contracts.schemas import write

write()
