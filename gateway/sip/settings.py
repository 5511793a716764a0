"""Settings of the SIP access layer."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gateway.media.codecs import usable_codecs
from gateway.signalling.settings import SignallingSettings
from gateway.sip.audio_formats import Preference
from gateway.sip.media_protection import SrtpPolicy
from gateway.sip.overload_settings import OverloadSettings
from gateway.sip.resolver import dns_server
from gateway.sip.tls import TlsFiles

CodecName: TypeAlias = Literal["PCMA", "PCMU", "G722", "opus"]


class SipSettings(BaseModel):
    """Listeners, timers and limits of SIP."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bind_ip: str = Field("127.0.0.1", description="IP address of the listeners")
    bind_ip6: str = Field(
        "", description="IPv6 address that is listened on as well, when bind_ip is one of IPv4; empty: none"
    )
    port: int = Field(5060, ge=0, le=65535, description="Port of the UDP and TCP listeners; 0 takes a free one")
    advertised_address: str = Field(
        "", description="IP address in Via and Contact when we are behind NAT; empty: bind_ip"
    )
    advertised_address6: str = Field("", description="The same for peers of bind_ip6")
    user_agent: str = Field("ccplatform", min_length=1, max_length=80, description="User-Agent and Server headers")
    realm: str = Field(
        "ccplatform",
        min_length=1,
        max_length=80,
        description="Digest realm; stored SIP passwords belong to it and must be set again when it changes",
    )
    md5_only_phones: tuple[Annotated[str, Field(min_length=1, max_length=80)], ...] = Field(
        ("baresip v0.", "baresip v1.", "baresip v2.", "JsSIP ", "sipsak 0."),
        max_length=100,
        description="Beginnings of the User-Agent of phones that give up when SHA-256 is offered beside MD5",
    )
    t1_seconds: float = Field(0.5, ge=0.05, le=5, description="RFC 3261 T1: round-trip estimate")
    t2_seconds: float = Field(4.0, ge=0.5, le=60, description="RFC 3261 T2: longest pause between retransmissions")
    t4_seconds: float = Field(5.0, ge=0.5, le=60, description="RFC 3261 T4: longest life of a packet")
    session_seconds: int = Field(
        1800,
        ge=0,
        le=86_400,
        description="Session timer (RFC 4028) that our INVITEs ask for, at least 90; 0 asks for none",
    )
    moves_per_second: int = Field(
        100,
        ge=1,
        le=10_000,
        description="Re-INVITEs a second when a media worker died and its legs move; the oldest calls go first",
    )
    min_register_seconds: int = Field(60, ge=1, le=3600, description="Shortest registration; below it 423")
    max_register_seconds: int = Field(3600, ge=60, le=86_400, description="Longest and default registration")
    max_registrations: int = Field(10_000, ge=1, le=1_000_000, description="Contacts of all seats together")
    lines_per_seat: int = Field(
        4,
        ge=1,
        le=100,
        description="Calls that the phones of one seat may have at once; one more that they make gets 486, but to "
        "an emergency number",
    )
    max_connections: int = Field(2_000, ge=1, le=100_000, description="TCP connections at once")
    max_connections_per_source: int = Field(100, ge=1, le=100_000, description="TCP connections of one address")
    idle_seconds: float = Field(
        3700.0, ge=10, le=86_400, description="A TCP connection without a message for so long is closed"
    )
    stranger_requests_per_second: float = Field(
        5.0, gt=0, le=1000, description="Answers an unknown address gets; more is dropped silently"
    )
    ban_faults: int = Field(
        30,
        ge=1,
        le=10_000,
        description="Faults of an unknown address (wrong passwords, calls of nobody, malformed messages) within "
        "the window until it is banned",
    )
    ban_window_seconds: float = Field(60.0, ge=1, le=3600, description="Time in which these faults are counted")
    ban_seconds: float = Field(600.0, ge=1, le=86_400, description="How long a banned address is not listened to")
    scanners: tuple[Annotated[str, Field(min_length=3, max_length=80)], ...] = Field(
        ("friendly-scanner", "sipvicious", "sipcli", "sip-scan", "sundayddr", "iWar", "VaxSIPUserAgent", "pplsip"),
        max_length=100,
        description="Beginnings of the User-Agent of tools that are banned at their first request",
    )
    dns_servers: tuple[str, ...] = Field(
        (),
        max_length=8,
        description="Name servers (address or address:port) for the names of trunks; empty: the system's",
    )
    srtp: SrtpPolicy = Field(
        SrtpPolicy.ACCEPT,
        description="Encrypted media: off; accept: when a phone offers them; offer: to phones on TLS also of our "
        "own accord; require: nothing else. Browsers (WebSocket) are always offered DTLS-SRTP",
    )
    transfer_prefixes: tuple[Annotated[str, Field(min_length=1, max_length=32)], ...] = Field(
        (),
        max_length=1000,
        description="Beginnings of outside numbers that phones of seats may transfer to (REFER), and queues "
        "overflow to; empty: none",
    )
    overload: OverloadSettings = Field(OverloadSettings(), description="Overload control")
    trace: bool = Field(True, description="Keep the SIP messages of every contact (R10.4.d)")
    signalling: SignallingSettings = Field(
        SignallingSettings(), description="All signalling, to search and export"
    )
    codecs: tuple[CodecName, ...] = Field(
        ("G722", "PCMA", "PCMU", "opus"),
        min_length=1,
        description="Codecs that are spoken, in the order of our offers; opus only where the system has libopus",
    )
    codec_preference: Preference = Field(
        Preference.THEIRS, description="Whose order of codecs decides the answer to an offer"
    )
    comfort_noise: bool = Field(True, description="Let peers send comfort noise (RFC 3389) in place of silence")
    ws: bool = Field(True, description="Serve SIP over WebSocket (RFC 7118), for phones in browsers")
    ws_port: int = Field(
        5066,
        ge=0,
        le=65535,
        description="Port of SIP over WebSocket (RFC 7118), secure with a certificate; 0 takes a free one",
    )
    ws_url: str = Field(
        "",
        pattern=r"^(wss?://[^/\s]+(/\S*)?)?$",
        max_length=200,
        description="Address of SIP over WebSocket that pages are told, where a proxy stands before it; empty: "
        "the host of the page and ws_port",
    )
    tls_port: int = Field(
        5061, ge=0, le=65535, description="Port of SIP over TLS, with a certificate; 0 takes a free one"
    )
    tls_certificate: str = Field(
        "", description="Certificate chain of TLS and secure WebSocket (PEM file); taken anew when it changes"
    )
    tls_key: str = Field("", description="Private key of the certificate (PEM file)")
    tls_authorities: str = Field(
        "", description="Who must have signed the certificates of trunks over TLS (PEM file); empty: the system's"
    )

    @field_validator("bind_ip", "bind_ip6", "advertised_address", "advertised_address6")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value:
            ipaddress.ip_address(value)
        return value

    @field_validator("dns_servers")
    @classmethod
    def _are_servers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for server in value:
            dns_server(server)
        return value

    @field_validator("codecs")
    @classmethod
    def _can_be_spoken(cls, value: tuple[CodecName, ...]) -> tuple[CodecName, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a codec is listed twice")
        if not usable_codecs(value):
            raise ValueError("none of these codecs can be spoken on this machine: libopus is missing")
        return value

    @model_validator(mode="after")
    def _has_both(self) -> SipSettings:
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("tls_certificate and tls_key: give both or none")
        ports = [port for port in (self.port, self.ws_port, self.tls_port) if port]
        if len(set(ports)) < len(ports):
            raise ValueError("port, ws_port and tls_port must differ")
        return self

    @property
    def tls(self) -> TlsFiles | None:
        """The files of TLS, None without a certificate."""
        if not self.tls_certificate:
            return None
        return TlsFiles(certificate=self.tls_certificate, key=self.tls_key, authorities=self.tls_authorities)

    @model_validator(mode="after")
    def _can_be_reached(self) -> SipSettings:
        for suffix, bound, public in (
            ("", self.bind_ip, self.advertised_address),
            ("6", self.bind_ip6, self.advertised_address6),
        ):
            if bound and not public and ipaddress.ip_address(bound).is_unspecified:
                raise ValueError(
                    f"advertised_address{suffix} must be set when bind_ip{suffix} is {bound}: "
                    "peers need an address that they can reach"
                )
        if self.min_register_seconds > self.max_register_seconds:
            raise ValueError("min_register_seconds is above max_register_seconds")
        return self

    @model_validator(mode="after")
    def _has_one_of_each(self) -> SipSettings:
        ours, sixth = (self.bind_ip, self.advertised_address), (self.bind_ip6, self.advertised_address6)
        if self.advertised_address6 and not self.bind_ip6:
            raise ValueError("advertised_address6 is for bind_ip6, which is not set")
        if self.bind_ip6 and any(":" in address for address in ours):
            raise ValueError("bind_ip and its advertised_address must be of IPv4 when bind_ip6 is set")
        if any(address and ":" not in address for address in sixth):
            raise ValueError("bind_ip6 and advertised_address6 must be of IPv6")
        return self

    @property
    def bound(self) -> tuple[str, ...]:
        """The addresses that are listened on: one, or one of each version of IP."""
        return (self.bind_ip, self.bind_ip6) if self.bind_ip6 else (self.bind_ip,)

    @property
    def public_host(self) -> str:
        """The first address that peers see: the host of what is no matter of one peer."""
        return self.advertised_address or self.bind_ip

    @property
    def public_hosts(self) -> tuple[str, ...]:
        """The addresses that peers see, for each that is listened on."""
        sixth = self.advertised_address6 or self.bind_ip6
        return (self.public_host, sixth) if sixth else (self.public_host,)
