"""Settings of reports that are made by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class MailSettings(BaseModel):
    """The server that takes e-mail (SMTP, RFC 5321)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(default="", max_length=253, description="name or address; '': no report goes by e-mail")
    port: int = Field(default=587, ge=1, le=65535, description="port")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="starttls (RFC 3207), tls from the first byte (RFC 8314), or none (a server on this machine)",
    )
    user: str = Field(default="", max_length=200, description="account there; '': without logging in")
    password: SecretStr = Field(default=SecretStr(""), description="its password")
    sender: str = Field(default="ccplatform@localhost", max_length=254, description="whom reports come from")
    domains: tuple[str, ...] = Field(
        default=(), description="domains that reports may go to; none: no report goes by e-mail"
    )
    timeout_seconds: float = Field(default=30.0, ge=1, le=300, description="patience with the server")

    @property
    def usable(self) -> bool:
        """Whether reports can go by e-mail."""
        return bool(self.host and self.domains)


class ReportSettings(BaseModel):
    """Reports that are made by themselves (R10.1.g)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path | None = Field(
        default=None,
        description="where reports are written; without it `reports` in the data directory",
    )
    look_seconds: float = Field(
        default=30.0, ge=0, le=3600, description="how often it is looked whether a report is due; 0: never"
    )
    retry_seconds: float = Field(default=600.0, ge=1, le=86_400, description="pause after an attempt that failed")
    mail: MailSettings = MailSettings()
