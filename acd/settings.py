"""Settings of the ACD."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from acd.engine import MAX_CONTACTS


class AcdSettings(BaseModel):
    """What the operator may set for the whole engine; the rest is set per queue."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_contacts: int = Field(
        default=20_000,
        ge=1,
        le=MAX_CONTACTS,
        description="Most contacts waiting, ringing and talking through queues at one time; more are refused.",
    )
    presence_retry_seconds: float = Field(
        default=2.0,
        ge=0.1,
        le=60.0,
        description="Pause before automatic changes of presence are written again after the database failed.",
    )
