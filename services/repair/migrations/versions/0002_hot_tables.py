"""Storage parameters of the engine's hot tables, and an index by which old answers are found."""

from shared.database.migration import tune_engine_tables

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    tune_engine_tables()
