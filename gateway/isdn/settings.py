"""Settings of the section ``isdn``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_ADDRESS = r"^(\[[0-9a-fA-F:]+\]|[0-9.]+):[0-9]{1,5}$"
Address = Annotated[str, Field(pattern=_ADDRESS, max_length=64)]


class SpanSettings(BaseModel):
    """One E1 span, which the centre has as the trunk of the same name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,32}$", description="Its name, and that of its trunk.")
    sip_port: int = Field(ge=1, le=65535, description="UDP port of its SIP side, where the trunk's calls go.")
    side: Literal["user", "network"] = Field("user", description="Its side of EuroISDN: user towards a carrier.")
    driver: Literal["software", "dahdi"] = Field("software", description="What carries it.")
    local: Address = Field("127.0.0.1:0", description="Software span: our address, `host:port` (UDP).")
    peer: Address = Field("127.0.0.1:0", description="Software span: the far end's address.")
    channels: int = Field(1, ge=1, le=1024, description="DAHDI: number of the span's first channel.")
    clock: Literal["span", "system"] = Field("span", description="Whose clock times what we send.")
    overlap: bool = Field(False, description="Whether numbers may come digit by digit.")
    digits_seconds: float = Field(4.0, gt=0, le=30, description="How long the next digit is waited for (T302).")
    national_prefix: str = Field("0", max_length=8, description="Stands before callers' national numbers.")
    international_prefix: str = Field(
        "+", max_length=8, description="Stands before callers' international numbers."
    )
    timers: dict[str, int] = Field({}, description="Timers of libpri in milliseconds, such as `T309`.")


class IsdnSettings(BaseModel):
    """E1 trunks (ISDN PRI). They need libpri (Debian: libpri1.4)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    spans: tuple[SpanSettings, ...] = Field((), max_length=16, description="The spans; none: no E1.")
    switch: bool = Field(
        False, description="Simulate a switch at the far end of every software span, for demos and trials."
    )

    @model_validator(mode="after")
    def _names_and_ports_differ(self) -> IsdnSettings:
        for what in ("id", "sip_port"):
            values = [getattr(span, what) for span in self.spans]
            if len(set(values)) < len(values):
                raise ValueError(f"spans: two have the same {what}")
        return self


def host_and_port(address: str) -> tuple[str, int]:
    """The parts of an address."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
