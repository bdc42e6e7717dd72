"""Settings of the registry, from the environment (`LIANDONG_READING_…`)."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ReadingSettings(BaseSettings):
    """How many natural persons are read in an hour (row 25). Several instances share the counts: they are in the database."""

    model_config = SettingsConfigDict(env_prefix="LIANDONG_READING_", extra="ignore", frozen=True)

    persons_an_hour: int = Field(default=60, ge=1)
    """Different persons that one account reads within an hour."""
    persons_an_hour_of_department: int = Field(default=600, ge=1)
    """Different persons that all accounts of a department read within an hour."""
