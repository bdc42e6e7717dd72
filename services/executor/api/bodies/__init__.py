"""Request and response bodies of the executor, and how they are made from rows and events."""

from pydantic import BaseModel, ConfigDict, Field

LONGEST_TEXT = 2_000
NOTE = Field(default="", max_length=LONGEST_TEXT)


class Body(BaseModel):
    """A request body. Unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
