"""Settings of the operations package."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

#: Three months, the shortest history that R10.4.c allows, days.
THREE_MONTHS_DAYS = 92

#: A name or address, IPv6 in brackets, with or without a port.
TimeServer = Annotated[
    str, Field(pattern=r"^([A-Za-z0-9._-]{1,253}|\[[0-9a-fA-F:.%]{2,60}\])(:[0-9]{1,5})?$", max_length=260)
]
NTP_PORT = 123
_MOST_PORT = 65_535


def time_server(name: str) -> tuple[str, int]:
    """Host and port of a time server of the settings."""
    host, colon, port = name.rpartition(":")
    if not colon or name.endswith("]"):
        host, port = name, str(NTP_PORT)
    return host.strip("[]"), int(port)


class RetentionSettings(BaseModel):
    """How long things are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    journal_days: int = Field(
        400, ge=THREE_MONTHS_DAYS, le=36_500, description="Days that the event journal is kept; at least 92"
    )
    alarm_days: int = Field(
        400, ge=THREE_MONTHS_DAYS, le=36_500, description="Days that ended alarms are kept; at least 92 (R10.4.c)"
    )


class ClockSettings(BaseModel):
    """The time of day (R10.6.b). The system keeps it; here it is watched."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    servers: tuple[TimeServer, ...] = Field(
        (),
        max_length=8,
        description="NTP servers that it is compared with, `host` or `host:port`; of three one may be wrong.",
    )
    every_seconds: float = Field(64.0, ge=1.0, le=3600.0, description="How often they are asked.")
    most_offset_seconds: float = Field(
        1.0, gt=0.0, le=1.0, description="What the clock may be off by, before that is an alarm."
    )

    @field_validator("servers")
    @classmethod
    def _servers_differ(cls, servers: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(servers)) < len(servers):
            raise ValueError("a server is there twice")
        for server in servers:
            if time_server(server)[1] > _MOST_PORT:
                raise ValueError(f"{server}: there is no such port")
        return servers
