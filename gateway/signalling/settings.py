"""Settings of the signalling trace beyond single contacts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class HepSettings(BaseModel):
    """Export of all signalling to a capture server (Homer) by HEP3."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field("", max_length=255, description="Name or IP address of the server; empty: no export")
    port: int = Field(9060, ge=1, le=65535, description="UDP port of the server")
    capture_id: int = Field(2001, ge=0, le=2**32 - 1, description="Number by which the server knows this node")
    password: SecretStr = Field(SecretStr(""), max_length=255, description="Password that the server wants")


class SignallingSettings(BaseModel):
    """What is kept of all signalling for search and drawing, beside the messages of contacts in the journal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    memory_mib: int = Field(32, ge=1, le=4096, description="Memory for the latest messages, MiB")
    memory_seconds: float = Field(3600.0, ge=60, le=604_800, description="Age at which messages are let go")
    hep: HepSettings = HepSettings()
