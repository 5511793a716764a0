from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.legs import LegQuality, SurvivingCall
from ccplatform.contracts.media import Bridge, FileItem, KeepSnapshot, Play, SilenceItem, StopPlay, ToneItem
from ccplatform.contracts.words import CallId, LegId, PlaybackId
from ccplatform.kernel.errors import RemoteViolation
from gateway.media.errors import ProtocolMismatch
from gateway.media.port import DtlsPeer, IceSides, LegNotSecured, LegSecured, LocalAudio, RemoteAudio, SdesKeys
from gateway.media.protocol import (
    VERSION,
    CloseLeg,
    Command,
    ConnectLeg,
    GetSurvivors,
    LegClosed,
    LegOpened,
    OpenLeg,
    Survivors,
    WorkerEvent,
    decode_command,
    decode_event,
    decode_hello,
    encode_command,
    encode_event,
    encode_hello,
)

LEG = LegId("leg")


def _over_the_wire(data: dict[str, Any]) -> Any:
    return json.loads(json.dumps(data))


@pytest.mark.parametrize(
    "command",
    [
        OpenLeg(call=CallId("c"), leg=LEG),
        ConnectLeg(leg=LEG, remote=RemoteAudio(host="10.0.0.1", port=4000, codec="PCMA", payload_type=8)),
        ConnectLeg(
            leg=LEG,
            remote=RemoteAudio(
                host="10.0.0.1",
                port=4000,
                codec="PCMA",
                payload_type=8,
                rtcp_mux=True,
                sdes=SdesKeys(profile="AES_CM_128_HMAC_SHA1_80", local=b"\0l", remote=b"\xffr"),
                dtls=DtlsPeer(
                    fingerprint="sha-256 AB",
                    active=False,
                    ice=IceSides(ufrag="ours", pwd="secret", remote_ufrag="peer"),
                ),
            ),
        ),
        CloseLeg(leg=LEG),
        GetSurvivors(),
        StopPlay(leg=LEG),
        Bridge(a=LEG, b=LegId("other")),
        KeepSnapshot(call=CallId("c"), snapshot={"deep": [1, {"x": None}]}),
        Play(
            leg=LEG,
            playback=PlaybackId("p"),
            items=(
                FileItem(path="a.wav", trim=False),
                ToneItem(hertz=(350.0, 440.0), seconds=1),
                SilenceItem(seconds=0.5),
            ),
            loop=True,
        ),
        Play(leg=LEG, playback=PlaybackId("p"), items=()),
    ],
)
def test_commands_survive_the_wire(command: Command) -> None:
    assert decode_command(_over_the_wire(encode_command(command))) == command


@pytest.mark.parametrize(
    "event",
    [
        LegOpened(leg=LEG, local=LocalAudio(host="127.0.0.1", port=10000)),
        LegOpened(leg=LEG, local=LocalAudio(host="127.0.0.1", port=10000, fingerprint="sha-256 AB")),
        LegOpened(leg=LEG, local=None, reason="full"),
        LegSecured(leg=LEG, profile="AEAD_AES_128_GCM"),
        LegNotSecured(leg=LEG, reason="no DTLS handshake in time"),
        LegClosed(leg=LEG, quality=None),
        LegClosed(
            leg=LEG,
            quality=LegQuality(
                leg=LEG,
                codec="PCMA",
                packets_received=1,
                packets_lost=2,
                packets_sent=3,
                remote_packets_lost=None,
                jitter_seconds=0.1,
                round_trip_seconds=None,
                delay_seconds=0.2,
            ),
        ),
        Survivors(calls=(SurvivingCall(call=CallId("c"), legs=(LEG,), snapshot={"a": 1}),)),
    ],
)
def test_events_survive_the_wire(event: WorkerEvent) -> None:
    assert decode_event(_over_the_wire(encode_event(event))) == event


def test_hellos_must_agree_in_protocol_and_version() -> None:
    hello = encode_hello("run-1")
    assert decode_hello(hello).run == "run-1"
    with pytest.raises(ProtocolMismatch, match=f"version 99, this one 'ccplatform-media' version {VERSION}"):
        decode_hello({**hello, "version": 99})
    with pytest.raises(ProtocolMismatch, match="does not speak ccplatform-media"):
        decode_hello({"type": "Play"})


def test_keys_are_not_shown() -> None:
    """What is logged of a command by mistake tells no key."""
    keys = SdesKeys(profile="AES_CM_128_HMAC_SHA1_80", local=b"local", remote=b"remote")
    ice = IceSides(ufrag="ours", pwd="secret", remote_ufrag="peer")
    dtls = DtlsPeer(fingerprint="sha-256 AB", active=False, ice=ice)
    remote = RemoteAudio(host="10.0.0.1", port=4000, codec="PCMA", payload_type=8, sdes=keys, dtls=dtls)
    shown = repr(ConnectLeg(leg=LEG, remote=remote))
    assert not any(secret in shown for secret in ("b'local'", "b'remote'", "secret"))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


@given(_JSON, st.sampled_from(["OpenLeg", "_PlayOrder", "KeepSnapshot", "Hello", "Nothing", 5]))
def test_nonsense_is_a_remote_violation(message: Any, kind: Any) -> None:
    if isinstance(message, dict):
        message = {**message, "type": kind}
    for decode in (decode_command, decode_event, decode_hello):
        try:
            decode(message)
        except RemoteViolation:
            continue
