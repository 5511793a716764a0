"""The coders that keep state: G.722 by its library, Opus by the system's."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.media import opus
from gateway.media.audio import Pcm
from gateway.media.codecs import CODECS, Coder, codec_of, usable_codecs
from gateway.media.errors import CodecMissing
from gateway.media.g722 import G722Coder
from gateway.media.opus import MAX_PAYLOAD, OpusCoder, opus_is_here, parameters_of

RATE = 16000
FRAME = 320
WIDE = [codec for codec in CODECS.values() if codec.coder is not None]
needs_opus = pytest.mark.skipif(not opus_is_here(), reason="this machine has no libopus")


def tone(hertz: float, seconds: float = 1.0, peak: float = 8000.0) -> Pcm:
    time = np.arange(round(seconds * RATE)) / RATE
    return np.rint(peak * np.sin(2 * np.pi * hertz * time)).astype(np.int16)


def voice(seconds: float) -> Pcm:
    """Something with a moving pitch, syllables and a little noise."""
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 2 * np.pi * np.cumsum(140 + 60 * np.sin(2 * np.pi * 2.5 * time)) / RATE
    speech = sum(np.sin(k * pitch) / k for k in range(1, 20)) * 4000 * (1 + np.sin(2 * np.pi * 5 * time)) / 2
    return np.asarray(speech + np.random.default_rng(3).normal(0, 20, len(time)), dtype=np.int16)


def frames(pcm: Pcm) -> list[Pcm]:
    return list(pcm.reshape(-1, FRAME))


def level(pcm: Pcm, hertz: float) -> float:
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(pcm)) / RATE)
    return float(2 * abs(np.dot(pcm.astype(np.float64), wave)) / len(pcm))


@pytest.fixture(
    params=[pytest.param(codec.name, marks=needs_opus if codec.name == "opus" else ()) for codec in WIDE]
)
def make(request: pytest.FixtureRequest) -> Callable[[], Coder]:
    coder = CODECS[request.param].coder
    assert coder is not None
    return lambda: coder("useinbandfec=1")


@pytest.mark.parametrize("hertz", [100, 300, 1000, 3400, 4000, 5000])
def test_both_bands_of_wide_speech_pass_at_their_level(make: Callable[[], Coder], hertz: float) -> None:
    here, there = make(), make()
    out = np.concatenate([there.decode(here.encode(frame)) for frame in frames(tone(hertz))])
    assert len(out) == RATE
    assert 20 * np.log10(level(out[4000:], hertz) / 8000) == pytest.approx(0, abs=2)


def test_g722_is_what_an_independent_coder_makes_and_hears_bit_by_bit() -> None:
    """Digests of what FFmpeg's coder (libavcodec 62.28, written apart from libg722) made of the same samples."""
    n = np.arange(32_000, dtype=np.int64)
    triangle = np.abs(n * (300 + n // 16) % 16_000 - 8000) - 4000
    noise = ((n * 1_103_515_245 + 12_345) >> 16) % 4001 - 2000
    here, there = G722Coder(), G722Coder()
    payloads = [here.encode(frame) for frame in frames((2 * triangle + noise).astype(np.int16))]
    sound = np.concatenate([there.decode(payload) for payload in payloads])
    assert sha256(b"".join(payloads)).hexdigest().startswith("66ab978ce76ee8155258c5060c767f7b6045783c")
    assert sha256(sound.astype("<i2").tobytes()).hexdigest().startswith("299434a4af8aac9bd25b4f0e5355361ea60cb701")


def test_coders_of_two_legs_know_nothing_of_each_other(make: Callable[[], Coder]) -> None:
    alone, one, other = make(), make(), make()
    for frame, noise in zip(frames(tone(1000)), frames(tone(3000)), strict=True):
        assert alone.encode(frame) == one.encode(frame)
        other.encode(noise)


@given(payload=st.binary(max_size=400))
@pytest.mark.parametrize("name", ["G722", pytest.param("opus", marks=needs_opus)])
def test_no_payload_raises_or_yields_more_than_120_ms_of_it(name: str, payload: bytes) -> None:
    coder = CODECS[name].coder
    assert coder is not None
    made = coder("")
    sound = made.decode(payload)
    assert sound.dtype == np.int16
    assert len(sound) <= max(1920, 2 * len(payload))
    assert len(made.recover(payload, FRAME)) in (0, FRAME)


@needs_opus
def test_opus_recovers_a_lost_packet_from_the_one_that_follows() -> None:
    pcm = voice(2.0)
    encoder = OpusCoder("useinbandfec=1")
    encoder.expect_loss(0.05)
    payloads = [encoder.encode(frame) for frame in frames(pcm)]
    whole = OpusCoder()
    original = [whole.decode(payload) for payload in payloads]
    errors = {"fec": 0.0, "none": 0.0}
    for kind in errors:
        decoder = OpusCoder()
        for at, payload in enumerate(payloads):
            if at % 10 == 5 and at + 1 < len(payloads):
                lost = decoder.recover(payloads[at + 1] if kind == "fec" else b"", FRAME)
                assert len(lost) == FRAME
                errors[kind] += float(((lost.astype(float) - original[at]) ** 2).sum())
            else:
                decoder.decode(payload)
    assert errors["fec"] < errors["none"] / 2


@needs_opus
def test_opus_sends_redundancy_while_packets_are_lost_and_the_peer_wants_it() -> None:
    pcm = frames(voice(2.0))

    def error_of_recovery(fmtp: str, reports: tuple[float, ...]) -> float:
        encoder, decoder, whole = OpusCoder(fmtp), OpusCoder(), OpusCoder()
        for share in reports:
            encoder.expect_loss(share)
        payloads = [encoder.encode(frame) for frame in pcm]
        original = [whole.decode(payload) for payload in payloads]
        for payload in payloads[:60]:
            decoder.decode(payload)
        recovered = decoder.recover(payloads[61], FRAME).astype(float)
        return float(((recovered - original[60]) ** 2).mean() / (original[60].astype(float) ** 2).mean())

    with_it = error_of_recovery("useinbandfec=1", (0.05,))
    for fmtp, reports in (("useinbandfec=1", ()), ("useinbandfec=1", (0.05, 0, 0, 0, 0)), ("", (0.05,))):
        assert with_it < 0.8 * error_of_recovery(fmtp, reports)


@needs_opus
def test_opus_payloads_keep_within_what_a_packet_holds() -> None:
    rng = np.random.default_rng(5)
    loud = OpusCoder("useinbandfec=1;maxaveragebitrate=510000")
    sizes = [len(loud.encode(frame)) for frame in frames(rng.normal(0, 9000, RATE).astype(np.int16))]
    assert 0 < max(sizes) <= MAX_PAYLOAD


@needs_opus
def test_opus_does_as_the_peers_fmtp_asks() -> None:
    pcm = frames((np.random.default_rng(5).normal(0, 2000, RATE)).astype(np.int16))
    constant = OpusCoder("cbr=1")
    assert len({len(constant.encode(frame)) for frame in pcm}) == 1
    usual, little = OpusCoder(), OpusCoder("maxaveragebitrate=8000")
    assert sum(len(little.encode(frame)) for frame in pcm) < sum(len(usual.encode(frame)) for frame in pcm) / 2


def test_parameters_that_are_none_are_left_out() -> None:
    assert parameters_of(" minptime=10; useinbandfec = 1 ;x;=;stereo=two;cbr=") == {
        "minptime": 10,
        "useinbandfec": 1,
    }
    assert parameters_of("maxaveragebitrate=" + "9" * 50) == {}


def test_without_libopus_there_is_no_opus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opus, "_library", lambda: None)
    assert [codec.name for codec in usable_codecs(("opus", "PCMU"))] == ["PCMU"]
    with pytest.raises(CodecMissing, match="libopus"):
        OpusCoder()


def test_a_codec_is_found_by_its_rtpmap() -> None:
    assert codec_of("pcma/8000/1") is CODECS["PCMA"]
    assert codec_of("OPUS/48000/2") is CODECS["opus"]
    assert codec_of("G722/16000") is codec_of("") is codec_of("/") is None
