"""Settings of the operations package."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

#: Three months, the shortest history that R10.4.c allows, days.
THREE_MONTHS_DAYS = 92


class RetentionSettings(BaseModel):
    """How long things are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    journal_days: int = Field(
        400, ge=THREE_MONTHS_DAYS, le=36_500, description="Days that the event journal is kept; at least 92"
    )
    alarm_days: int = Field(
        400, ge=THREE_MONTHS_DAYS, le=36_500, description="Days that ended alarms are kept; at least 92 (R10.4.c)"
    )
