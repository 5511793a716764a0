"""Settings of calls (section ``calls``)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CallsSettings(BaseModel):
    """What calls may become."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    conference_parties: int = Field(
        8, ge=3, le=30, description="Most parties of a conference, the caller included."
    )
