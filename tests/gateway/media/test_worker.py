"""The worker as a process of its own, driven through MediaPool."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ccplatform.contracts.legs import DigitPressed, PlaybackEnded, PlaybackStarted
from ccplatform.contracts.media import (
    Bridge,
    ForgetCall,
    KeepSnapshot,
    Play,
    RecordingClosed,
    StartRecording,
    StopRecording,
    ToneItem,
)
from ccplatform.contracts.words import CallId, LegId, PlaybackId, RecordingId
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.frames import FrameDecoder, encode_frame
from gateway.media.errors import ProtocolMismatch
from gateway.media.port import WorkerLost
from gateway.media.protocol import PROTOCOL, VERSION
from gateway.media.settings import MediaSettings
from tests.gateway.media.peers import Peer, steady_level
from tests.gateway.media.workers import CALL, WORKER_PROGRAM, Control, WorkerProcess, talk
from tests.support.ports import PortBlock
from tests.support.sealed import SEAL, unsealed


@pytest.fixture
def settings(ports: PortBlock) -> MediaSettings:
    return MediaSettings(rtp_ports=f"{ports.first}-{ports.last}", rtp_timeout_seconds=5)


@pytest.fixture
async def worker(settings: MediaSettings, tmp_path: Path) -> AsyncIterator[WorkerProcess]:
    process = WorkerProcess(settings, tmp_path / "media-0")
    yield process
    assert process.stop() in (0, -9)


async def test_two_legs_talk_are_recorded_and_measured(
    worker: WorkerProcess, make_control: Callable[..., Control], peers: tuple[Peer, Peer], tmp_path: Path
) -> None:
    assert stat.S_IMODE(os.stat(worker.path).st_mode) == 0o600
    control, (caller, agent) = make_control(), peers
    await control.pool.start()
    assert control.pool.survivors() == []
    await control.connect("a", caller)
    await control.connect("b", agent)
    path = tmp_path / "recordings" / "talk.wav"
    control.pool.perform(Bridge(a=LegId("a"), b=LegId("b")))
    control.pool.perform(
        StartRecording(
            call=CALL, recording=RecordingId("r"), left=LegId("a"), right=LegId("b"), path=str(path), seal=SEAL
        )
    )
    await control.performed()  # no packet comes before its leg knows who sends it
    await talk(1.0, (caller, 440), (agent, 1000))
    control.pool.perform(StopRecording(recording=RecordingId("r")))
    (closed,) = await control.wait_for(RecordingClosed)
    assert closed.error == ""
    assert closed.size_bytes == path.stat().st_size
    samples, rate = unsealed(path)
    assert rate == 8000
    assert steady_level(samples[2400:, 0], 440) > 6500
    assert steady_level(samples[2400:, 1], 1000) > 6500
    assert steady_level(agent.heard()[2400:], 440) > 6500
    assert steady_level(caller.heard()[2400:], 1000) > 6500
    quality = await control.close_leg("a")
    assert quality is not None
    assert quality.packets_received == 50
    assert quality.packets_lost == 0
    assert quality.delay_seconds is not None
    assert 0.02 < quality.delay_seconds < 0.2
    assert quality.jitter_seconds < 0.05
    assert await control.close_leg("a") is None


async def test_a_call_talks_on_while_control_is_away_and_is_taken_back(
    worker: WorkerProcess, make_control: Callable[..., Control], peers: tuple[Peer, Peer]
) -> None:
    first, (caller, agent) = make_control(), peers
    await first.pool.start()
    await first.connect("a", caller)
    await first.connect("b", agent)
    first.pool.perform(Bridge(a=LegId("a"), b=LegId("b")))
    first.pool.perform(KeepSnapshot(call=CALL, snapshot={"step": 7}))
    await talk(0.4, (caller, 440), (agent, 1000))
    await first.close()
    agent.packets.clear()
    for packet in caller.press("5"):
        caller.send(packet)
    await talk(0.6, (caller, 440), (agent, 1000))
    assert steady_level(agent.heard()[1600:4000], 440) > 6000

    second = make_control()
    await second.pool.start()
    (survivor,) = second.pool.survivors()
    assert survivor.call == CALL
    assert set(survivor.legs) == {"a", "b"}
    assert survivor.snapshot == {"step": 7}
    assert second.events == []
    (digit,) = await second.wait_for(DigitPressed)
    assert (digit.leg, digit.digit) == ("a", "5")
    second.pool.perform(
        Play(leg=LegId("a"), playback=PlaybackId("p"), items=(ToneItem(hertz=(600.0,), seconds=0.1),))
    )
    started = await second.wait_for(PlaybackStarted)
    (ended,) = await second.wait_for(PlaybackEnded)
    assert started[0].at <= second.clock.now()
    assert ended.finished
    second.pool.perform(ForgetCall(call=CALL))
    third = make_control()
    await third.pool.start()
    assert third.pool.survivors() == []


async def test_a_killed_worker_is_told_and_its_successor_is_used(
    settings: MediaSettings,
    tmp_path: Path,
    worker: WorkerProcess,
    make_control: Callable[..., Control],
    peers: tuple[Peer, Peer],
) -> None:
    control, (caller, agent) = make_control(), peers
    await control.pool.start()
    await control.connect("a", caller)
    await control.connect("b", agent)
    recording = RecordingId("r")
    path = tmp_path / "cut.wav"
    control.pool.perform(
        StartRecording(
            call=CALL, recording=recording, left=LegId("a"), right=LegId("b"), path=str(path), seal=SEAL
        )
    )
    await talk(1.2, (caller, 440), (agent, 1000))
    worker.kill()
    (lost,) = await control.wait_for(WorkerLost)
    assert lost.worker == 0
    assert set(lost.legs) == {"a", "b"}
    assert await control.close_leg("a") is None  # its party could not be moved
    (closed,) = await control.wait_for(RecordingClosed)
    assert closed.error
    assert 0.5 <= closed.seconds <= 1.3
    assert len(unsealed(path)[0]) / 8000 == pytest.approx(closed.seconds, abs=0.05)
    successor = WorkerProcess(settings, worker.path)
    try:
        assert await control.open("d", CallId("next")) is not None
    finally:
        successor.stop()


async def test_a_leg_waits_for_the_successor_of_its_worker(
    settings: MediaSettings, worker: WorkerProcess, make_control: Callable[..., Control]
) -> None:
    control = make_control()
    await control.pool.start()
    worker.kill()
    await control.wait_for(WorkerLost)
    opening = asyncio.ensure_future(control.open("a"))
    await asyncio.sleep(0)
    assert not opening.done()
    successor = WorkerProcess(settings, worker.path)
    try:
        assert await opening is not None
    finally:
        successor.stop()


async def test_a_leg_does_not_wait_for_ever(worker: WorkerProcess, make_control: Callable[..., Control]) -> None:
    control = make_control(wait_seconds=0.1)
    await control.pool.start()
    worker.kill()
    await control.wait_for(WorkerLost)
    assert await control.open("a") is None
    assert control.pool.workers[0].legs == 0


async def test_calls_go_to_the_least_loaded_worker_and_stay_together(
    ports: PortBlock, tmp_path: Path, make_control: Callable[..., Control]
) -> None:
    settings = MediaSettings(rtp_ports=f"{ports.first}-{ports.last}", workers=2)
    workers = [WorkerProcess(settings, tmp_path / f"media-{index}", index) for index in range(2)]
    try:
        control = make_control("media-0", "media-1")
        await control.pool.start()
        opened = {}
        for call in ("x", "y"):
            for leg in ("1", "2"):
                local = await control.open(call + leg, CallId(call))
                assert local is not None
                opened[call + leg] = local.port
        assert all(opened[leg] in settings.ports_of(0) for leg in ("x1", "x2"))
        assert all(opened[leg] in settings.ports_of(1) for leg in ("y1", "y2"))
        assert [state.legs for state in control.pool.workers] == [2, 2]
    finally:
        for worker in workers:
            worker.stop()


async def test_another_protocol_version_is_a_clear_error(
    worker: WorkerProcess, tmp_path: Path, make_control: Callable[..., Control]
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.settimeout(5)
        other.connect(str(worker.path))
        other.sendall(encode_frame({"type": "Hello", "protocol": "ccplatform-media", "version": 99, "run": "x"}))
        data = b""
        while chunk := other.recv(4096):
            data += chunk
    (hello,) = FrameDecoder().feed(data)
    assert (hello["protocol"], hello["version"]) == (PROTOCOL, VERSION)

    async def speak_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(encode_frame({"type": "Hello", "protocol": "other", "version": 1, "run": "x"}))
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(speak_nonsense, tmp_path / "media-9")
    ours = f"this one 'ccplatform-media' version {VERSION}"
    with pytest.raises(ProtocolMismatch, match=f"'other' version 1, {ours}"):
        await make_control("media-9").pool.start()
    server.close()


async def test_a_pool_without_workers_says_which_sockets_it_tried(
    tmp_path: Path, make_control: Callable[..., Control]
) -> None:
    with pytest.raises(Unavailable, match=r"cannot connect to .*media-7: No such file"):
        await make_control("media-7").pool.start(patience_seconds=0.2)


def test_a_worker_ends_when_its_parent_is_gone(settings: MediaSettings, tmp_path: Path) -> None:
    program = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', sys.argv[1], *sys.argv[2:]], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
    )
    arguments = [WORKER_PROGRAM, settings.model_dump_json(), str(tmp_path / "media-0"), "0"]
    parent = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, check=True)
    try:
        worker = os.pidfd_open(int(parent.stdout))
    except ProcessLookupError:
        return  # gone already
    ended, _, _ = select.select([worker], [], [], 10)
    os.close(worker)
    assert ended


async def test_a_worker_publishes_its_figures(worker: WorkerProcess, make_control: Callable[..., Control]) -> None:
    control = make_control()
    told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    control.pool.on_stats = lambda stats: None if told.done() else told.set_result(stats)
    await control.pool.start()
    assert await control.open("a") is not None
    stats = await told
    assert stats.worker == 0
    assert stats.ticks >= 100
    assert 0 < stats.tick_p50_seconds <= stats.tick_p99_seconds <= stats.tick_max_seconds < 1
    assert control.pool.workers[0].stats == stats
    assert not np.isnan(stats.tick_p99_seconds)
