"""Settings of imports, from the environment (`LIANDONG_IMPORT_…`)."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class ImportSettings(BaseSettings):
    """Limits of a file, and how the workers process it."""

    model_config = SettingsConfigDict(env_prefix="LIANDONG_IMPORT_", extra="ignore", frozen=True)

    largest_file: int = 512 * 1024 * 1024
    """Bytes."""
    batch_rows: int = 500
    """Rows in one transaction."""
    keep_unapproved_days: int = 30
    """Days after which a checked import that was not approved is refused, and its file deleted."""
    tries: int = 3
    """How often the work on an import may fail or be killed without progress, before the import is refused."""
    workers: int = 2
    """Imports that one instance processes at the same time, so that a small file does not wait for a large one."""
