"""Settings of the security package."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class PasswordSettings(BaseModel):
    """How passwords are stored and what they must be like."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_length: int = Field(
        10, ge=4, le=128, description="Shortest password, characters; the demo uses a lower one"
    )
    time_cost: int = Field(3, ge=1, le=20, description="argon2id passes")
    memory_kib: int = Field(19_456, ge=8, le=1_048_576, description="argon2id memory, KiB (OWASP: 19 MiB)")


class ThrottleSettings(BaseModel):
    """How guessing is slowed down."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attempts_per_user: int = Field(5, ge=1, le=100, description="Wrong attempts before a user has to wait")
    attempts_per_address: int = Field(
        20, ge=1, le=10_000, description="Wrong attempts before an address has to wait"
    )
    first_wait_seconds: float = Field(5.0, gt=0, le=3600, description="First wait; doubles with every further one")
    longest_wait_seconds: float = Field(900.0, gt=0, le=86_400, description="Longest wait")
    remembered: int = Field(10_000, ge=100, le=1_000_000, description="Users and addresses kept in memory")


class SecuritySettings(BaseModel):
    """Log-in and passwords."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token_hours: float = Field(8.0, gt=0, le=24 * 31, description="How long a log-in lasts, hours")
    token_cache_seconds: float = Field(
        30.0, ge=0, le=300, description="How long a checked token is believed without asking the database, seconds"
    )
    passwords: PasswordSettings = PasswordSettings()
    throttle: ThrottleSettings = ThrottleSettings()
