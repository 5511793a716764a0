"""Settings of the media engine (section ``media`` of the configuration)."""

from __future__ import annotations

import ipaddress
import os
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

#: Most media processes of one node.
MAX_WORKERS: Final = 64


class MediaSettings(BaseModel):
    """What an operator may set about voice. Milliseconds and seconds are of audio time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workers: int = Field(
        1,
        ge=1,
        le=MAX_WORKERS,
        description="Media processes; each gets its part of the RTP ports. 'auto': one for each core but one.",
    )
    bind_ip: str = Field("127.0.0.1", description="IPv4 address that RTP sockets are bound to; empty: none.")
    advertised_ip: str | None = Field(None, description="Address put into SDP when it differs (behind NAT).")
    bind_ip6: str = Field("", description="The same for IPv6; empty: no media over IPv6.")
    advertised_ip6: str | None = Field(None, description="The same for IPv6.")
    rtp_ports: str = Field("10000-19999", description="First and last UDP port for RTP and RTCP, 'A-B'.")

    jitter_start_ms: int = Field(20, ge=10, le=200, description="Delay of the jitter buffer at the first packet.")
    jitter_min_ms: int = Field(10, ge=0, le=100, description="How early packets are kept on a clean network.")
    jitter_max_ms: int = Field(400, ge=60, le=400, description="Most audio the jitter buffer holds.")

    rtp_timeout_seconds: float = Field(30.0, ge=1, le=3600, description="Silence of a peer that is to send.")
    relatch_seconds: float = Field(
        5.0, ge=1, le=600, description="Silence after which another source may take over."
    )

    compiled_helper: bool = Field(
        True, description="Use the compiled part of the engine where the installation could build it."
    )
    real_time: bool = Field(
        True,
        description="Media runs before all other work of the machine where the system permits it (CAP_SYS_NICE).",
    )
    handshake_seconds: float = Field(
        10.0, ge=1, le=60, description="Longest time for ICE and DTLS of an encrypted leg; then the call ends."
    )

    worker_wait_seconds: float = Field(
        8.0, ge=1, le=60, description="How long calls wait for a worker when theirs died and no other is there."
    )

    max_legs_per_worker: int = Field(4000, ge=2, le=20000, description="Legs that one worker takes at most.")
    max_packets_per_tick: int = Field(16, ge=4, le=256, description="Packets read from one leg in 20 ms.")
    max_room_legs: int = Field(32, ge=2, le=256, description="Legs in one conference room.")
    max_items: int = Field(256, ge=1, le=10000, description="Items of one playback.")
    inband_dtmf: Literal["auto", "always", "never"] = Field(
        "auto", description="Look for keys as tones in the audio; auto: of peers without telephone-event."
    )
    max_taps: int = Field(200, ge=0, le=10000, description="Taps (such as of speech recognisers) on one worker.")
    max_digits: int = Field(64, ge=1, le=1000, description="Digits waiting to be sent to one leg.")

    max_sound_bytes: int = Field(128 * 2**20, ge=1024, description="Largest sound file that is opened.")
    max_sound_seconds: float = Field(1800.0, ge=1, description="Longest sound file that is played.")
    stream_stall_seconds: float = Field(
        10.0, ge=0.1, le=600, description="How long speech that is still being made may stay away."
    )
    sound_cache_bytes: int = Field(128 * 2**20, ge=2**20, description="Decoded sounds kept in memory.")
    recording_rate: Literal[8000, 16000] = Field(
        16000, description="Samples a second of recordings of talks with a wideband leg; all others have 8000."
    )
    recording_queue_bytes: int = Field(
        128 * 2**20, ge=2**20, description="Recorded audio waiting for a slow disk."
    )
    event_queue: int = Field(20000, ge=100, description="Events kept for a control process that is away.")

    @field_validator("workers", mode="before")
    @classmethod
    def _count_cores(cls, value: object) -> object:
        """One core is for control, web and database; what the process may use counts, not what there is."""
        return min(max(1, len(os.sched_getaffinity(0)) - 1), MAX_WORKERS) if value == "auto" else value

    @field_validator("bind_ip", "advertised_ip", "bind_ip6", "advertised_ip6")
    @classmethod
    def _is_address(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and info.field_name is not None:
            family = ipaddress.IPv6Address if info.field_name.endswith("6") else ipaddress.IPv4Address
            if "%" in value or getattr(family(value), "ipv4_mapped", None):
                raise ValueError(f"{value}: no address with a zone, and no IPv4 address within one of IPv6")
        return value

    @field_validator("rtp_ports")
    @classmethod
    def _is_port_range(cls, value: str) -> str:
        first, separator, last = value.partition("-")
        if not (separator and first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
            raise ValueError(f"{value!r} is not two port numbers 'A-B'")
        if not 1024 <= int(first) < int(last) <= 65535:
            raise ValueError(f"{value!r}: ports must rise and lie between 1024 and 65535")
        return value

    @model_validator(mode="after")
    def _can_be_reached(self) -> MediaSettings:
        if not self.bind_ip and not self.bind_ip6:
            raise ValueError("bind_ip or bind_ip6 must be set")
        for ipv6, suffix in ((False, ""), (True, "6")):
            if self.binds_all(ipv6=ipv6) and not self._advertised(ipv6):
                raise ValueError(
                    f"advertised_ip{suffix} must be set when bind_ip{suffix} is {self.bound_ip(ipv6=ipv6)}: "
                    "peers need an address that they can reach"
                )
        return self

    @property
    def ip_versions(self) -> tuple[int, ...]:
        """The versions of IP that media can go over."""
        return tuple(version for version, bound in ((4, self.bind_ip), (6, self.bind_ip6)) if bound)

    def bound_ip(self, *, ipv6: bool) -> str:
        """The address that sockets of a family are bound to, empty for none."""
        return self.bind_ip6 if ipv6 else self.bind_ip

    def binds_all(self, *, ipv6: bool) -> bool:
        """Whether sockets of a family are bound to all its addresses."""
        bound = self.bound_ip(ipv6=ipv6)
        return bool(bound) and ipaddress.ip_address(bound).is_unspecified

    def sdp_host(self, *, ipv6: bool = False) -> str:
        """The address that peers send their RTP to."""
        return self._advertised(ipv6) or self.bound_ip(ipv6=ipv6)

    def _advertised(self, ipv6: bool) -> str | None:
        return self.advertised_ip6 if ipv6 else self.advertised_ip

    def ports_of(self, worker: int) -> range:
        """The even RTP ports of one worker; each has its RTCP port next to it."""
        first, last = (int(part) for part in self.rtp_ports.split("-"))
        pairs = range(first + first % 2, last, 2)
        share = len(pairs) // self.workers
        return pairs[worker * share : (worker + 1) * share]
