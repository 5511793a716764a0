"""The Prometheus families: names and labels of `interface.md`, with the requirement each one serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Kind(StrEnum):
    """Types of the exposition format."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric family. Counters are named here without their suffix ``_total``."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


def _counter(name: str, help: str, *labels: str) -> Family:
    return Family(name=name, kind=Kind.COUNTER, help=help, labels=labels)


def _gauge(name: str, help: str, *labels: str) -> Family:
    return Family(name=name, kind=Kind.GAUGE, help=help, labels=labels)


def _histogram(name: str, help: str, buckets: tuple[float, ...], *labels: str) -> Family:
    return Family(name=name, kind=Kind.HISTOGRAM, help=help, labels=labels, buckets=buckets)


# Every target of a clause is a bucket's bound, so that the share that meets it can be read off exactly.
_CONNECT = (0.02, 0.05, 0.08, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0, 10.0)
_DTMF = (0.05, 0.08, 0.12, 0.2, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 10.0)
_QUERY = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 15.0, 30.0)
_WAIT = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0)
_HANDLE = (15.0, 30.0, 60.0, 90.0, 120.0, 180.0, 240.0, 300.0, 420.0, 600.0, 900.0, 1800.0)
_BACKLOG = (60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 86400.0, 172800.0, 604800.0)
_LOSS = (0.0, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
_JITTER = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.1, 0.2)
_DELAY = (0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 1.0)
_GAP = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_MOS = (1.5, 2.0, 2.5, 2.8, 3.1, 3.4, 3.6, 3.8, 4.0, 4.2, 4.3, 4.4)

_ALL: Final = (
    _counter("cc_calls", "Calls that ended or were refused (R10.3.1.1)", "direction", "trunk", "outcome"),
    _counter("cc_blocked_calls", "Calls that found every channel of their trunk busy (R10.3.1.1)", "trunk"),
    _counter(
        "cc_call_failures",
        "Calls that ended by a fault or were refused, by cause and SIP status given (R10.3.1.1)",
        "cause",
        "status",
    ),
    _counter("cc_transfers", "Contacts handed on, by whom: flow or agent (R10.1.g)", "by"),
    _counter("cc_dispositions", "Notes of agents by disposition, corrections too (R10.1.g)", "disposition"),
    _counter("cc_ivr_sessions", "IVR sessions by how they ended (R10.3.1.5, R10.3.2.a)", "outcome"),
    _counter("cc_ivr_query_failures", "Customer-data queries that failed (R10.3.1.7, R10.3.2.c)"),
    _counter("cc_mystery_calls", "Mystery calls by how they ended (R10.3.2.a)", "fate"),
    _counter(
        "cc_mystery_calls_compared",
        "Mystery calls by whether their record is what was heard (R10.3.2)",
        "result",
    ),
    _counter("cc_contacts", "Contacts that ended, by their last queue and outcome (R10.1.g)", "queue", "outcome"),
    _counter("cc_recordings", "Recordings begun, by why the talk is recorded (R10.1.f)", "mode"),
    _histogram("cc_call_connect_seconds", "INVITE received to first audible sample sent (R10.3.1.2)", _CONNECT),
    _histogram("cc_dtmf_response_seconds", "End of key to first sample (R10.3.1.6, R10.3.2.b)", _DTMF),
    _histogram("cc_ivr_query_seconds", "Last key of a query to its result (R10.3.1.7, R10.3.2.c)", _QUERY),
    _histogram("cc_agent_wait_seconds", "Choosing 'agent' to the agent's answer (R10.3.2.d)", _WAIT),
    _histogram("cc_queue_wait_seconds", "Entering the queue to the agent's answer (D-ASA, D-SL)", _WAIT, "queue"),
    _histogram(
        "cc_backlog_age_seconds",
        "Age of what waited for somebody (call_back, message) when it was done with (R10.1.g)",
        _BACKLOG,
        "kind",
    ),
    _histogram("cc_handle_seconds", "Talk with hold plus wrap-up of an agent's segment (D-AHT)", _HANDLE, "queue"),
    _histogram(
        "cc_media_gap_seconds",
        "Silence of a leg after its media worker died (R10.2.d)",
        _GAP,
    ),
    _histogram("cc_rtp_loss_ratio", "Packets lost towards the centre, per leg (R10.3.1.3.loss)", _LOSS),
    _histogram("cc_rtp_jitter_seconds", "Interarrival jitter, per leg (R10.3.1.4)", _JITTER),
    _histogram("cc_voice_delay_seconds", "One-way mouth to ear, estimated, per leg (R10.3.1.3.delay)", _DELAY),
    _histogram("cc_voice_mos", "MOS by the E-model, per leg and network condition (R10.3.1.4)", _MOS, "condition"),
    _gauge("cc_calls_active", "Contacts open now (R6.3)"),
    _gauge("cc_queue_waiting", "Contacts waiting now (R10.1.g)", "queue"),
    _gauge("cc_voice_messages_waiting", "Voice messages that nobody heard (R10.1.b)", "queue"),
    _gauge("cc_agents", "Agents by their present state (R10.1.g)", "state"),
    _gauge("cc_service_level_ratio", "Answered in time / all offered, today (D-SL)", "queue"),
    _gauge("cc_service_level_variant_ratio", "D-SL by how abandons are treated, today (D-SL)", "variant"),
    _gauge("cc_asa_seconds", "Mean speed of answer, today (D-ASA)"),
    _gauge("cc_aht_seconds", "Mean handle time, today (D-AHT)"),
    _gauge("cc_talk_seconds", "Mean talk time of a contact, today (D-TALK)"),
    _gauge("cc_hold_seconds", "Mean hold time of a contact, today (D-HOLD)"),
    _gauge("cc_occupancy_ratio", "Agent occupancy, today (D-OCC)"),
    _gauge("cc_utilisation_ratio", "Agent utilisation, today (D-UTIL)"),
    _gauge("cc_trunk_load_erlang", "Mean load per channel over two hours (R10.3.1.1, R6.3)", "trunk"),
    _gauge("cc_trunk_channels_in_use", "Channels in use now (R6.3)", "trunk"),
    _gauge("cc_trunk_channels", "Channels configured (R6.3)", "trunk"),
    _gauge("cc_trunk_in_service", "1 while it is active and a server of it may be called (R10.4.a)", "trunk"),
    _gauge("cc_trunk_registered", "1 while it is registered with its provider (R10.4.a)", "trunk"),
    _gauge(
        "cc_trunk_server_up",
        "1 when it answers probes, 0 when it missed them (R10.4.a)",
        "trunk",
        "server",
    ),
    _gauge("cc_trunk_server_round_trip_seconds", "OPTIONS to its answer, last probe (R10.4.a)", "trunk", "server"),
    _gauge("cc_sip_banned_sources", "Addresses that are not listened to now (R10.1.a)"),
    _gauge(
        "cc_data_source_up",
        "1 while a data source of flows gives answers, 0 after three failures (R10.3.1.7)",
        "source",
    ),
    _gauge("cc_voice_up", "1 while a speech engine speaks, as it did when it was asked last (R10.1.c)", "engine"),
    _gauge("cc_recogniser_up", "1 while the speech recogniser of a language works (R10.1.c)", "language"),
    _gauge("cc_bot_up", "1 while a voice bot can be reached, as callers and probes found out (R10.1.c)", "bot"),
    _gauge("cc_bot_talks", "Callers that a voice bot talks with (R10.1.c)", "bot"),
    _gauge("cc_bot_failures", "Talks that a voice bot broke since control started (R10.1.c)", "bot"),
    _gauge("cc_sip_bans", "Bans imposed since control started, by what for (R10.1.a)", "fault"),
    _gauge("cc_sip_dropped_messages", "Messages of banned addresses dropped since control started (R10.1.a)"),
    _gauge("cc_media_tick_seconds", "Work of a media worker in its 20 ms tick (R10.3.1.4)", "worker", "stat"),
    _gauge(
        "cc_media_tick_overruns",
        "Ticks that were too long, since the worker's start (R10.3.1.4)",
        "worker",
    ),
    _gauge(
        "cc_media_link_frames",
        "Frames between media workers that did not come or were not taken, since their start (R10.3.1.4)",
        "worker",
        "result",
    ),
    _gauge(
        "cc_media_refused_packets",
        "Packets that a media worker refused since its start; flood: ticks in which a leg was limited (R10.3.1.4)",
        "worker",
        "reason",
    ),
    _gauge("cc_overload_level", "How far overload control restricts new calls, 0 to 3 (R10.4.f)"),
    _gauge(
        "cc_overload_refused_calls",
        "New calls that overload control refused, by class, since control's start (R10.4.f)",
        "class",
    ),
    _gauge("cc_clock_offset_seconds", "From the time servers; above zero: our clock is behind (R10.6.b)"),
    _gauge("cc_clock_synchronised", "1 while the kernel says that its clock is disciplined (R10.6.b)"),
    _gauge("cc_clock_most_error_seconds", "What the kernel thinks its clock may be off by at most (R10.6.b)"),
    _gauge("cc_compliance_value", "Measured value of a requirement (R10.3)", "requirement"),
    _gauge("cc_compliance_target", "Target of a requirement (R10.3)", "requirement"),
    _gauge("cc_compliance_ok", "1 pass, 0 fail; absent while the sample is too small (R10.3)", "requirement"),
    _gauge("cc_compliance_samples", "Samples behind the value (R10.3)", "requirement"),
    _gauge("cc_compliance_budget_left", "What a requirement allows, less what is used up (R10.3)", "requirement"),
    _gauge("cc_compliance_burn", "Used up / allowed over 5m, 1h, 2h, 24h (R10.3)", "requirement", "window"),
    _gauge("cc_alarms", "Alarms that are up (R10.4.c)", "severity"),
)

#: Every family by its name.
FAMILIES: Final[Mapping[str, Family]] = MappingProxyType({family.name: family for family in _ALL})
