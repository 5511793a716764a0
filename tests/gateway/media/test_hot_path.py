"""The compiled helper and the portable path: the same results for the same packets and samples."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hatch_build
from ccplatform.kernel.errors import LocalMisuse
from gateway.media.addresses import SOCKADDR, address_key, parts_of, sockaddr
from gateway.media.audio import ABSENT, FRAME, RATE, Array, Pcm
from gateway.media.delays import delay_rules
from gateway.media.g711 import DECODE, ENCODE
from gateway.media.hot_path import OWN_FRAME, STREAM_ARRAYS, Delayed, Heard, HotPath, Reported, Streams
from gateway.media.inband_dtmf import HIGH_GROUP, LOW_GROUP, SCREEN
from gateway.media.native import LIBRARY, NativeHotPath, find_hot_path
from gateway.media.packet_io import MAX_PACKET, OLDEST, Batch, Receiver, Slots, Watch, stamp_arrivals
from gateway.media.portable import PortableHotPath, worth_waiting
from gateway.media.rtcp import parse as parse_rtcp
from gateway.media.rtp import HEADER_BYTES
from gateway.media.stretching import stretch_rules
from tests.gateway.media.lossy_legs import LossyLegs, voice
from tests.gateway.media.peers import EVENT_TYPE, Peer, Rig, tone

pytestmark = pytest.mark.usefixtures("compiled_helper")


def _both() -> tuple[HotPath, HotPath]:
    return NativeHotPath(LIBRARY), PortableHotPath()


class _Sockets:
    """Some sockets of the engine and one stranger who sends to them."""

    def __init__(self, count: int, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.ours = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(count)]
        self.peer = socket.socket(family, socket.SOCK_DGRAM)
        for udp in (*self.ours, self.peer):
            udp.bind((host, 0))
            udp.setblocking(False)

    def __enter__(self) -> _Sockets:
        return self

    def __exit__(self, *_: object) -> None:
        for udp in (*self.ours, self.peer):
            udp.close()


def _read(path: HotPath, sockets: _Sockets, datagrams: list[tuple[int, bytes]], per_socket: int) -> Batch:
    receiver = Receiver(path, per_socket)
    for row, udp in enumerate(sockets.ours):
        receiver.add(udp.fileno(), 10 * row)
    for place, data in datagrams:
        sockets.peer.sendto(data, sockets.ours[place].getsockname())
    batch = receiver.read(1000.0, 5.0)
    for udp in sockets.ours:
        with suppress(BlockingIOError):
            while True:
                udp.recv(1)
    return batch


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2), st.binary(max_size=1500)), max_size=20), st.integers(1, 8))
def test_both_read_the_same_datagrams_in_the_same_order(
    datagrams: list[tuple[int, bytes]], per_socket: int
) -> None:
    with _Sockets(3) as sockets:
        native, portable = (_read(path, sockets, datagrams, per_socket) for path in _both())
        for name in ("length", "truncated", "row", "turn", "source", "arrival"):
            assert np.array_equal(getattr(native, name), getattr(portable, name)), name
        for index, length in enumerate(native.length.tolist()):
            assert native.packets[index, :length].tobytes() == portable.packets[index, :length].tobytes()
        assert all(native.length <= MAX_PACKET)
        assert np.bincount(native.row, minlength=1).max(initial=0) <= per_socket


@pytest.mark.parametrize("path", [0, 1])
def test_an_arrival_is_the_kernels_stamp_and_never_far_from_now(path: int) -> None:
    with _Sockets(1) as sockets:
        stamp_arrivals(sockets.ours[0])
        batch = _read(_both()[path], sockets, [(0, b"x")], 8)  # now = 1000 s on the clock of the stamps
        assert batch.arrival.tolist() == [5.0]
        receiver = Receiver(_both()[path], 8)
        receiver.add(sockets.ours[0].fileno(), 0)
        sockets.peer.sendto(b"x", sockets.ours[0].getsockname())
        assert receiver.read(1e12, 5.0).arrival.tolist() == [5.0 - OLDEST]


def test_a_socket_with_one_packet_a_tick_is_asked_once_until_it_has_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.media.packet_io._LATE_SECONDS", 3600.0)  # however slow the machine is
    with _Sockets(1) as sockets:
        stamp_arrivals(sockets.ours[0])
        receiver = Receiver(NativeHotPath(LIBRARY), 8)
        receiver.add(sockets.ours[0].fileno(), 0)

        def tick(packets: int, behind: float = 0.0) -> int:
            for _ in range(packets):
                sockets.peer.sendto(b"x", sockets.ours[0].getsockname())
            now = time.monotonic()
            return len(receiver.read(time.time() - behind, now).row)

        assert tick(3) == 3
        assert [tick(1) for _ in range(260)] == [1] * 260
        assert tick(2, behind=1.0) == 1  # a packet that comes while the sockets are read is none that was left
        assert tick(0) == 1
        assert [tick(1) for _ in range(260)] == [1] * 260
        assert tick(2) == 1  # the second is left
        assert tick(1) == 2  # found by its stamp
        assert tick(5) == 5  # and watched from then on
        assert tick(0) == 0


@given(st.integers(0, 2**32 - 1), st.integers(1, 480))
def test_both_code_alike(seed: int, length: int) -> None:
    rng = np.random.default_rng(seed)
    laws = rng.integers(0, 2, 9, dtype=np.int8)
    packets = rng.integers(0, 256, (12, MAX_PACKET), dtype=np.uint8)
    chosen = rng.permutation(12)[:9].astype(np.int64)
    frames = rng.integers(-32768, 32768, (12, FRAME), dtype=np.int16)
    native, portable = _both()
    pcm = native.decode(laws, packets, chosen, length)
    assert np.array_equal(pcm, portable.decode(laws, packets, chosen, length))
    assert pcm[0, 0] == DECODE[laws[0], packets[chosen[0], HEADER_BYTES]]
    other = packets.copy()
    every = rng.integers(0, 2, 12, dtype=np.int8)
    sound = rng.integers(-32768, 32768, (7, FRAME), dtype=np.int16)
    heard = Heard(sound=sound, source=rng.integers(OWN_FRAME, 7, 12), frames=frames)
    native.encode(every, heard, chosen, packets)
    portable.encode(every, heard, chosen, other)
    assert np.array_equal(packets, other)
    first, law = int(chosen[0]), int(every[chosen[0]])
    source = int(heard.source[first])
    said = frames[first] if source == OWN_FRAME else sound[source] if source >= 0 else np.zeros_like(sound[0])
    assert np.array_equal(packets[first, HEADER_BYTES : HEADER_BYTES + FRAME], ENCODE[law, said.view(np.uint16)])


@given(st.integers(0, 2**32 - 1))
def test_both_put_recorded_samples_in_the_same_places(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames = rng.integers(-32768, 32768, (7, FRAME), dtype=np.int16)
    left, right = rng.integers(0, 7, 5), rng.integers(0, 7, 5)
    slots, filled = rng.permutation(5)[:3].astype(np.int64), rng.integers(0, 4, 5)
    blocks = [np.zeros((5, 4, FRAME, 2), dtype=np.int16) for _ in range(2)]
    for path, samples in zip(_both(), blocks, strict=True):
        path.interleave(frames, left, right, slots, filled, samples)
    assert np.array_equal(blocks[0], blocks[1])
    slot = slots[0]
    assert np.array_equal(blocks[0][slot, filled[slot], :, 1], frames[right[slot]])


@settings(deadline=None)
@given(st.integers(0, 65535))
def test_the_helper_calculates_each_code_of_the_tables(first: int) -> None:
    sound = np.arange(first, first + FRAME).astype(np.uint16).view(np.int16)
    packets = np.zeros((2, HEADER_BYTES + FRAME), dtype=np.uint8)
    frames, laws, rows = np.stack([sound, sound]), np.array([0, 1], dtype=np.int8), np.arange(2)
    NativeHotPath(LIBRARY).encode(laws, Heard(sound=frames, source=rows, frames=frames), rows, packets)
    assert np.array_equal(packets[:, HEADER_BYTES:], ENCODE[:, sound.view(np.uint16)])


@given(st.integers(0, 2**32 - 1), st.integers(0, 95), st.sampled_from([1, 2]))
def test_both_want_the_same_delays(seed: int, packets: int, scale: int) -> None:
    rng = np.random.default_rng(seed)
    rules, bin_ = delay_rules(RATE * scale, FRAME * scale, 80 * scale), 40 * scale
    bins = np.zeros((9, 96), dtype=np.float32)
    for row in range(1, 9):
        np.add.at(bins[row], rng.integers(0, 96, packets), rng.uniform(0, 1e5, packets).astype(np.float32))
    legs = Delayed(
        bins=bins,
        playing=rng.random(9) < 0.8,
        packet=rng.choice([40, 80, 100, 160, 240, 480], 9).astype(np.int32) * scale,
        loss=rng.choice([0, 0.004, 0.05], 9).astype(np.float32),
        reach=rng.choice([rng.uniform(0, 100), float(rng.integers(0, 100))], 9) * bin_,
        position=rng.integers(0, 10**6, 9),
        began=rng.integers(0, 1000, 9),
        wanted=np.full(9, 7),
    )
    told = []
    for path in _both():
        mine = replace(legs, wanted=legs.wanted.copy())
        path.control(mine, slice(1, 8), 600, rules)
        told.append(mine.wanted)
    assert np.array_equal(told[0], told[1])
    assert told[0][[0, 8]].tolist() == [7, 7]
    assert (told[0][1:8][~legs.playing[1:8]] == 7).all()


def test_the_delay_worth_waiting_for_holds_all_that_came() -> None:
    bins = np.zeros((2, 96), dtype=np.float32)
    bins[1, 17] = 1
    enough, early = worth_waiting(bins, delay_rules(RATE, FRAME, 80))
    assert (enough[1], early[1], early[0]) == (18 * 40, 18 * 40, 40)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 40, 3000, 32768]))
def test_both_hear_the_same_background(seed: int, loudness: int) -> None:
    rng = np.random.default_rng(seed)
    frames = rng.integers(-loudness, loudness, (9, 2, FRAME), dtype=np.int16)[:, 0]  # rows that lie apart
    frames[2] = 0
    frames[3, 5], frames[4, 6] = ABSENT, ABSENT
    before = rng.uniform(0, 1e4, 9).astype(np.float32)
    results = [before.copy(), before.copy()]
    for path, background in zip(_both(), results, strict=True):
        path.listen(frames, slice(1, 8), 5, 1.02, background)
    assert np.array_equal(results[0], results[1])
    assert results[0][2] == 0
    assert np.array_equal(results[0][[0, 3, 8]], before[[0, 3, 8]])


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 3, 200, 3000, 32767]))
def test_both_let_the_same_frames_pass_for_keys(seed: int, loudness: int) -> None:
    rng = np.random.default_rng(seed)
    time_ = np.arange(FRAME) * 2 * np.pi / 8000
    pairs = np.array(LOW_GROUP + HIGH_GROUP)[rng.integers(0, 8, (12, 2))] * rng.uniform(0.97, 1.03, (12, 2))
    tones = np.sin(pairs[:, :, np.newaxis] * time_).sum(axis=1) * loudness / 2
    sound = np.clip(tones + rng.normal(0, loudness * rng.uniform(0, 1), (12, FRAME)), -32768, 32767)
    sound[0] = -32768
    frames = np.repeat(sound.astype(np.int16)[:, np.newaxis], 2, axis=1)[:, 0]  # rows that lie apart
    rows = rng.permutation(12)[:9].astype(np.int64)
    told, kept = [], np.zeros((2, 12, FRAME), dtype=np.int16)
    for path, before in zip(_both(), kept, strict=True):
        told.append(path.screen(frames, rows, SCREEN, before))
    for native, portable in zip(*told, strict=True):
        assert np.array_equal(native, portable)
    assert np.array_equal(kept[0], kept[1])
    assert np.array_equal(kept[0][rows], frames[rows])


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([1, 2]),
    head=st.integers(0, 5119),
    wanted=st.lists(st.integers(-700, 700), min_size=1, max_size=6),
    loudness=st.sampled_from([1, 12, 40, 900, 32767]),
)
def test_both_find_the_same_samples_to_add_or_take_out(
    seed: int, scale: int, head: int, wanted: list[int], loudness: int
) -> None:
    rng, rules = np.random.default_rng(seed), stretch_rules(scale)
    ring = rng.integers(-loudness - 1, loudness + 1, (8, 5120)).clip(-32767, 32767).astype(np.int16)
    periods = rng.integers(20, 130, 4) * scale
    for row, period in enumerate(periods.tolist()):  # voices; the other rows are noise
        ring[row] = np.resize(ring[row, :period], 5120) // rng.integers(1, 4)
    quiet = rng.random(5120) < rng.random()
    ring[rng.integers(0, 8), quiet] //= 64
    if rng.random() < 0.3:
        ring[rng.integers(0, 8), rng.integers(0, 5120, 3)] = ABSENT
    rows = rng.integers(0, 8, len(wanted))
    background = (rng.random(len(wanted)) * loudness).astype(np.float32)
    added = [path.lengths(ring, rows, head, np.array(wanted), background, rules).tolist() for path in _both()]
    assert added[0] == added[1]


@cache
def _voices() -> Pcm:
    return np.stack([voice(7.0, 100 + 30 * n) // 4 ** (n % 3) for n in range(6)])


@settings(max_examples=20)
@given(
    seed=st.integers(0, 2**32 - 1),
    legs=st.integers(1, 6),
    size=st.sampled_from([80, 160, 240]),
    start_ms=st.sampled_from([20, 100]),
    spread_ms=st.sampled_from([0.0, 15.0, 70.0]),
)
def test_legs_are_delayed_and_repaired_alike_by_both(
    seed: int, legs: int, size: int, start_ms: int, spread_ms: float
) -> None:
    rng = np.random.default_rng(seed)
    sounds = _voices()[:legs]
    leads = 60 - rng.uniform(0, spread_ms * 8, sounds.shape[1] // size)
    lost = rng.random((legs, len(leads))) < rng.choice([0.0, 0.05])
    heard, known = [], []
    for path in _both():
        rig = LossyLegs(sounds, start_ms=start_ms, size=size, hot_path=path)
        heard.append(rig.play_at(lost, leads))
        jitter = rig.jitter
        known.append((jitter.wanted, jitter.stretched, jitter.background, jitter.delay, jitter.loss))
    assert np.array_equal(heard[0], heard[1])
    for native, portable in zip(*known, strict=True):
        assert np.array_equal(native, portable)


def test_an_array_that_the_helper_would_misread_is_refused() -> None:
    native, ring, rows = _both()[0], np.zeros((1, 5120), dtype=np.int16), np.array([0])
    wanted: Array = np.array([-160], dtype=np.int32)
    background = np.zeros(1, dtype=np.float32)
    with pytest.raises(LocalMisuse, match="int32 where it reads int64"):
        native.lengths(ring, rows, 320, wanted, background, stretch_rules(1))


@given(st.integers(0, 2**32 - 1), st.integers(1, 160), st.integers(1, 201), st.sampled_from([0, 2, 900, 32767]))
def test_both_find_sound_as_similar(seed: int, length: int, windows: int, loudness: int) -> None:
    rng = np.random.default_rng(seed)
    signal = rng.integers(-loudness - 1, loudness + 1, (3, windows + length - 1)).astype(np.float32)
    template = rng.integers(-loudness - 1, loudness + 1, (3, length)).astype(np.float32)
    template[0] = signal[0, windows // 2 :][:length]
    template = template[:, ::-1]  # as the future is compared: backwards
    native, portable = (path.similarity(signal, template) for path in _both())
    assert native.shape == (3, windows)
    assert np.array_equal(native, portable)


@given(st.integers(0, 2**32 - 1), st.integers(0, 12))
def test_both_take_the_same_frames(seed: int, high: int) -> None:
    rng = np.random.default_rng(seed)
    rings = rng.integers(-32768, -32700, (12, 5 * FRAME), dtype=np.int16)
    rings[::3] = 7
    results = []
    for path in _both():
        ring, lossy = rings.copy(), np.zeros(12, dtype=np.bool_)
        sound = np.zeros((12, 2, FRAME), dtype=np.int16)
        path.take(ring, high, FRAME, 3 * FRAME, sound[:high, 1], lossy)
        results.append((ring, lossy, sound))
    for native, portable in zip(*results, strict=True):
        assert np.array_equal(native, portable)
    ring, lossy, sound = results[0]
    assert (ring[:high, 3 * FRAME : 4 * FRAME] == ABSENT).all()
    assert np.array_equal(lossy[:high], (sound[:high, 1] == ABSENT).any(axis=1))


@given(st.integers(0, 2**32 - 1))
def test_both_write_the_same_headers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.permutation(7)[:4].astype(np.int64)
    results = []
    for path in _both():
        again = np.random.default_rng(seed)
        packets = again.integers(0, 256, (7, 384), dtype=np.uint8)
        sequence = again.integers(65530, 65536, 7).astype(np.uint16)
        clock, ssrc = again.integers(0, 2**32, (2, 7), dtype=np.uint32)
        starting = again.integers(0, 2, 7).astype(np.bool_)
        payload_type = again.integers(0, 128, 7).astype(np.uint8)
        path.head(rows, packets, sequence, clock, ssrc, payload_type, starting)
        results.append((packets, sequence, starting))
    for native, portable in zip(*results, strict=True):
        assert np.array_equal(native, portable)
    row = int(rows[0])
    assert int.from_bytes(results[0][0][row, 2:4].tobytes(), "big") == results[0][1][row]


_EDGES = st.sampled_from([0, 1, 7, 255, 2**16, 2**24, 2**31, 2**40])


@given(st.integers(0, 2**32 - 1), _EDGES, _EDGES, st.binary(min_size=1, max_size=16))
def test_both_report_the_same_and_it_is_rtcp(seed: int, span: int, missing: int, name: bytes) -> None:
    name = name.hex().encode()[:16]
    results = []
    for path in _both():
        rng = np.random.default_rng(seed)
        counts = {key: rng.integers(0, span + 1, 5) for key in ("highest", "first", "in_stream", "received")}
        legs = Reported(
            **counts,
            lost_before=rng.integers(0, missing + 1, 5),
            sent=rng.integers(0, 2, 5) * rng.integers(0, 2**34, 5),
            clock=rng.integers(0, 2**32, 5, dtype=np.uint32),
            own=rng.integers(0, 2**32, 5, dtype=np.uint32),
            started=rng.integers(0, 2, 5).astype(np.bool_),
            ssrc=rng.integers(0, 2**32, 5, dtype=np.uint32),
            jitter=rng.random(5) * span,
            last_report=rng.integers(0, 2, 5, dtype=np.uint32) * rng.integers(0, 2**32, 5, dtype=np.uint32),
            last_report_at=rng.random(5) * missing,
            expected_before=rng.integers(0, span + 1, 5),
            received_before=rng.integers(0, span + 1, 5),
            packets=np.full((5, 80), 0xEE, dtype=np.uint8),
            lengths=np.zeros(5, dtype=np.int64),
        )
        rows = rng.permutation(5)[:3].astype(np.int64)
        path.report(legs, rows, int(rng.integers(2**63)) * 2 + 1, 1000.0, name)
        results.append(legs)
    native, portable = results
    for array in Reported.__slots__:
        assert np.array_equal(getattr(native, array), getattr(portable, array)), array
    row = int(rows[0])
    (report,) = parse_rtcp(native.packets[row, : native.lengths[row]].tobytes())
    assert report.ssrc == native.own[row]
    assert len(report.blocks) == native.started[row]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_both_send_each_packet_from_its_socket_and_leave_empty_ones_out(host: str) -> None:
    for path in _both():
        with _Sockets(3, host) as sockets:
            packets = np.arange(4 * 384, dtype=np.uint8).reshape(4, 384)
            lengths = np.array([0, 172, 0, 20], dtype=np.int64)
            names = np.zeros(4, dtype=SOCKADDR)
            names[:] = sockaddr(address_key(*sockets.peer.getsockname()[:2]))
            rows = np.array([1, 2, 3], dtype=np.int64)
            fds = np.array([udp.fileno() for udp in sockets.ours], dtype=np.int32)
            sent = np.zeros(4, dtype=np.int64)
            path.send(fds, rows, packets, lengths, names, np.zeros(4, dtype=np.bool_), sent)
            assert sent.tolist() == [0, 1, 0, 1]
            got = [sockets.peer.recvfrom(1000) for _ in range(2)]
            assert [data for data, _ in got] == [packets[1, :172].tobytes(), packets[3, :20].tobytes()]
            assert [address for _, address in got] == [sockets.ours[at].getsockname() for at in (0, 2)]
            with pytest.raises(BlockingIOError):
                sockets.peer.recv(1000)


def test_without_the_helper_or_with_a_broken_one_the_portable_path_works(tmp_path: Path) -> None:
    assert find_hot_path(True, tmp_path / "missing.so").name == "portable"
    (tmp_path / "broken.so").write_bytes(b"no library")
    assert find_hot_path(True, tmp_path / "broken.so").name == "portable"
    assert find_hot_path(False).name == "portable"
    assert find_hot_path(True).name == "native"


def test_a_helper_built_from_other_source_is_not_used(tmp_path: Path) -> None:
    source, built = tmp_path / "compiled", tmp_path / "_native.so"
    shutil.copytree(hatch_build.SOURCE, source)
    (source / "compiled.h").write_bytes((source / "compiled.h").read_bytes() + b"/* changed */")
    assert hatch_build.build(built, source)
    assert find_hot_path(True, built).name == "portable"


def test_the_build_without_a_compiler_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "_native.so"
    made = subprocess.run(
        [sys.executable, hatch_build.__file__, str(target)],
        env={"CC": str(tmp_path / "no-compiler")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 1
    assert "portable path" in made.stderr
    assert not target.exists()
    assert shutil.which("cc"), "the tests need a C compiler"


_KINDS = ("next", "next", "next", "again", "lost", "early", "ssrc", "far", "short", "odd", "type", "csrc", "event")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(_KINDS), max_size=4), min_size=1, max_size=12))
def test_both_count_whatever_comes_alike(ticks: list[list[str]]) -> None:
    counted = []
    for native in (True, False):
        rig = Rig(compiled_helper=native)
        leg, peer = rig.leg("a")
        for kinds in ticks:
            for kind in kinds:
                _send(peer, kind)
            rig.tick()
        reception, sources = rig.engine.parts.reception, rig.engine.parts.sources
        names = ("started", "ssrc", "highest", "first", "in_stream", "received", "lost_before", "duplicates")
        counts = [int(getattr(reception, name)[leg.row]) for name in (*names, "window", "expected_next")]
        counts += [int(getattr(sources, name)[leg.row]) for name in ("malformed", "unknown_type", "strangers")]
        jitter = rig.engine.parts.jitter
        counts += [int(jitter.placed[leg.row]), int(rig.engine.parts.concealer.muted[leg.row])]
        counted.append(counts)
        rig.close()
    assert counted[0] == counted[1]


_Arrival = tuple[str, float]
_ARRIVALS = st.tuples(st.sampled_from((*_KINDS, "next", "wrap", "jump", "marker")), st.floats(0, 0.06))


class _Scripted(NativeHotPath):
    """Reads what a test gives it; without ``admits``, all of it is left to the arrays of the intake."""

    def __init__(self, admits: bool) -> None:
        super().__init__(LIBRARY)
        self.arrived: list[tuple[bytes, int, int, float]] = []
        self._admits = admits

    def receive(
        self,
        slots: Slots,
        watch: Watch,
        first: int,
        per_socket: int,
        offset: float,
        now: float,
        streams: Streams | None,
    ) -> int:
        for place, (data, row, source, age) in enumerate(self.arrived):
            slots.packets[place, : len(data)] = np.frombuffer(data, dtype=np.uint8)
            slots.length[place], slots.truncated[place], slots.row[place] = len(data), False, row
            slots.turn[place], slots.source[place], slots.arrival[place] = place, parts_of(source), now - age
        return len(self.arrived)

    def admit(self, slots: Slots, total: int, streams: Streams, now: float) -> None:
        if self._admits:
            super().admit(slots, total, streams, now)
        else:
            slots.ordinary[:total] = False


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(_ARRIVALS, max_size=4), min_size=1, max_size=25), st.integers(0, 2**32 - 1))
def test_an_admitted_packet_changes_what_is_known_of_its_stream_as_any_other_does(
    ticks: list[list[_Arrival]], clock: int
) -> None:
    known, heard, admitted = [], [], 0
    for admits in (True, False):
        rig, path = Rig(compiled_helper=True), _Scripted(admits)
        parts = rig.engine.parts
        parts.hot_path = parts.receiver._hot_path = path
        leg, peer = rig.leg("a")
        peer.timestamp = clock
        rng = np.random.default_rng(clock)
        for tick in [[("next", 0.0)], [("next", 0.0)], *ticks]:
            path.arrived = [
                (data, leg.row, parts.sources.source_of(leg.row), age)
                for kind, age in tick
                for data in _packets(peer, kind, rng)
            ]
            rig.tick()
            admitted += int(parts.receiver.slots.ordinary[: len(path.arrived)].sum())
            heard.append(parts.mixer.voices(1).copy())
        known.append(rig.engine.intake._known_streams().arrays)
        rig.close()
    assert admitted > 0
    for name, one, other in zip(STREAM_ARRAYS, *known, strict=True):
        assert np.array_equal(one[leg.row], other[leg.row]), name
    one, other = np.split(np.stack(heard), 2)
    assert np.array_equal(one, other)


def _packets(peer: Peer, kind: str, rng: np.random.Generator) -> list[bytes]:
    """What a peer sends, rather than sending it."""
    sound = rng.integers(-8000, 8000, FRAME).astype(np.int16)
    match kind:
        case "wrap":
            peer.sequence = 0xFFFF
        case "jump":
            peer.timestamp = (peer.timestamp + (1 << 20)) & 0xFFFFFFFF
        case "marker":
            return [peer.packet(b"\xd5" * 160, marker=True)]
        case _:
            sent: list[bytes] = []
            with patch.object(peer, "send", sent.append):
                _send(peer, kind)
            return sent
    return [peer.audio(sound)]


def _send(peer: Peer, kind: str) -> None:
    sound = tone(440, 0.02)
    match kind:
        case "again":
            packet = peer.audio(sound)
            peer.send(packet)
            peer.send(packet)
        case "early":
            late = peer.audio(sound)
            peer.say(sound)
            peer.send(late)
        case "lost":
            peer.skip()
        case "ssrc":
            peer.ssrc += 1
        case "far":
            peer.sequence = (peer.sequence + 5000) & 0xFFFF
        case "short":
            peer.send(peer.packet(b"\xd5" * 7))
        case "odd":
            peer.say(tone(440, 0.03))
        case "type":
            peer.send(peer.packet(bytes(160), payload_type=77))
        case "csrc":
            packet = peer.audio(sound)
            peer.send(bytes([packet[0] | 1]) + packet[1:12] + bytes(4) + packet[12:])
        case "event":
            peer.send(peer.packet(b"\x05\x0a\x00\xa0", payload_type=EVENT_TYPE))
        case _:
            peer.say(sound)
