"""Settings of the storage."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class DatabaseSettings(BaseModel):
    """Where PostgreSQL is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        "",
        pattern=r"^(postgres(ql)?://.*)?$",
        max_length=2000,
        description="DSN of a PostgreSQL >= 15, postgresql://user@host/database; empty: the embedded server",
    )
    max_connections: int = Field(10, ge=2, le=200, description="Most connections of one process")
    acquire_seconds: float = Field(2.0, gt=0, le=30, description="Longest wait for a connection, seconds")


class JournalSettings(BaseModel):
    """The event journal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flush_seconds: float = Field(0.1, ge=0, le=5, description="Longest time an event waits to be written, seconds")
    buffer_events: int = Field(
        50_000,
        ge=1_000,
        le=5_000_000,
        description="Events that may wait while the database is away; a fifth is kept for calls that are up",
    )
