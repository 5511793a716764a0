"""Settings of the desk side (section ``cti``)."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class EventSocketSettings(BaseModel):
    """Limits of the event socket."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allowed_origins: tuple[str, ...] = Field(
        (),
        max_length=100,
        description="Further origins whose pages may open the socket, e.g. https://crm.example; the origin that "
        "serves the pages always may.",
    )
    authentication_seconds: float = Field(
        5.0, ge=1, le=60, description="How long a new socket may wait before it authenticates, seconds."
    )
    recheck_seconds: float = Field(
        60.0, ge=5, le=3600, description="How often an open socket's token is verified again, seconds."
    )
    heartbeat_seconds: float = Field(15.0, ge=1, le=120, description="Time between heartbeats, seconds.")
    max_sockets: int = Field(2000, ge=1, le=100_000, description="Open sockets at most.")
    max_waiting: int = Field(200, ge=1, le=10_000, description="Sockets not yet authenticated at most.")
    sockets_per_user: int = Field(8, ge=1, le=1000, description="Open sockets of one user at most.")
    queue_messages: int = Field(
        500, ge=10, le=100_000, description="Messages waiting for one slow client before it is dropped."
    )
    resume_events: int = Field(
        5000, ge=0, le=1_000_000, description="Events kept for clients that come back after a gap."
    )
    message_bytes: int = Field(8192, ge=512, le=1_048_576, description="Largest message a client may send.")
    messages_per_second: float = Field(
        5.0, gt=0, le=1000, description="Messages a client may send, mean per second; twice that at once."
    )


class WebhookSettings(BaseModel):
    """Tells the operator's CRM of calls; ``ccplatform config webhook-secret`` shows the secret that signs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, Field(pattern=r"^(https?://[^\s/@?#]+(/[^\s#]*)?)?$", max_length=500)] = Field(
        "", description="Where messages go, e.g. https://crm.example/calls; '': nowhere."
    )
    networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        (),
        max_length=50,
        description="Private networks that its host may be in; others are never connected to.",
    )
    queues: tuple[str, ...] = Field((), max_length=100, description="Only calls of these queues; none: all.")
    timeout_seconds: float = Field(5.0, gt=0, le=30, description="An attempt that takes longer failed, seconds.")
    attempts: int = Field(4, ge=1, le=10, description="How often a message is sent until it is given up.")
    pause_seconds: float = Field(
        1.0, gt=0, le=60, description="Pause after the first attempt, seconds; each further one is twice as long."
    )
    waiting: int = Field(
        1000, ge=1, le=100_000, description="Messages that wait to be sent at most; the oldest is given up."
    )
    secret_number: int = Field(
        1, ge=1, le=10_000, description="Which secret signs; another number makes another secret."
    )


class CtiSettings(BaseModel):
    """Settings of the desk side."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country_code: str = Field(
        "86", pattern=r"^[1-9][0-9]{0,2}$", description="Country whose numbers are national (E.164 code)."
    )
    seats_per_user: int = Field(
        2, ge=1, le=100, description="Of how many seats one user's browsers may be the phone at a time."
    )
    note_hours: float = Field(
        24.0,
        ge=0,
        le=8760,
        description="How long after its end agents may note and correct what a contact was.",
    )
    webhook: WebhookSettings = Field(WebhookSettings(), description="Messages to the operator's CRM.")
    events: EventSocketSettings = Field(EventSocketSettings(), description="The event socket.")
