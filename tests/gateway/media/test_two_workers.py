"""Two worker processes as one engine: calls that meet across them, and calls that outlive one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ccplatform.contracts.media import (
    Bridge,
    ForgetCall,
    JoinRoom,
    KeepSnapshot,
    RecordingClosed,
    StartRecording,
    StopRecording,
    Unbridge,
)
from ccplatform.contracts.words import CallId, LegId, RecordingId
from gateway.media.port import WorkerLost
from gateway.media.settings import MediaSettings
from tests.gateway.media.peers import Peer, level, steady_level
from tests.gateway.media.workers import Control, WorkerProcess, talk

X, Y = CallId("x"), CallId("y")
A, B = LegId("a"), LegId("b")


@pytest.fixture
def settings() -> MediaSettings:
    return MediaSettings(rtp_ports="27000-27399", workers=2)


@pytest.fixture
def workers(settings: MediaSettings, tmp_path: Path) -> Iterator[list[WorkerProcess]]:
    started = [WorkerProcess(settings, tmp_path / f"media-{index}", index) for index in range(2)]
    yield started
    for worker in started:
        worker.stop()


@pytest.fixture
async def control(workers: list[WorkerProcess], make_control: Callable[..., Control]) -> Control:
    made = make_control("media-0", "media-1")
    await made.pool.start()
    return made


@pytest.fixture
async def parted(control: Control, peers: tuple[Peer, Peer]) -> tuple[Peer, Peer]:
    """Two calls with a leg each, on a worker each."""
    caller, agent = peers
    await control.connect("a", caller, X)
    await control.connect("b", agent, Y)
    assert [state.legs for state in control.pool.workers] == [1, 1]
    return peers


def heard(peer: Peer, hertz: float, own: float) -> bool:
    """Whether a peer hears that tone, all the time, and not his own."""
    samples = peer.heard()[2400:]
    return steady_level(samples, hertz) > 6500 and level(samples, own) < 300


async def test_caller_and_agent_on_different_workers_hear_each_other(
    control: Control, parted: tuple[Peer, Peer], tmp_path: Path
) -> None:
    caller, agent = parted
    path = tmp_path / "talk.wav"
    control.pool.perform(Bridge(a=A, b=B))
    control.pool.perform(StartRecording(call=X, recording=RecordingId("r"), left=A, right=B, path=str(path)))
    await talk(1.0, (caller, 440), (agent, 1000))
    assert heard(caller, 1000, 440)
    assert heard(agent, 440, 1000)
    control.pool.perform(Unbridge(leg=A))
    await talk(0.1, (caller, 440), (agent, 1000))
    for peer in parted:
        peer.packets.clear()
    await talk(0.3, (caller, 440), (agent, 1000))
    assert all(np.abs(peer.heard()).max() < 50 for peer in parted)
    control.pool.perform(StopRecording(recording=RecordingId("r")))
    (closed,) = await control.wait_for(RecordingClosed)
    assert closed.error == ""
    samples, _ = soundfile.read(path, dtype="int16")
    for channel, hertz in ((0, 440), (1, 1000)):  # the hold silences ears, not the recording
        assert steady_level(samples[2400:, channel], hertz) > 6500


async def test_keys_go_from_one_worker_to_the_other(control: Control, parted: tuple[Peer, Peer]) -> None:
    caller, agent = parted
    control.pool.perform(Bridge(a=A, b=B))
    await talk(0.2, (caller, 440), (agent, 1000))
    for packet in caller.press("7"):
        caller.send(packet)
    await talk(0.5, (agent, 1000))
    ends = {p.timestamp for p in agent.packets if p.payload_type == 101 and p.payload[1] & 0x80}
    assert len(ends) == 1
    assert all(p.payload[0] == 7 for p in agent.packets if p.payload_type == 101)


async def test_a_room_over_two_workers_is_one_room(
    control: Control, parted: tuple[Peer, Peer], peers: tuple[Peer, Peer]
) -> None:
    third = Peer()
    await control.connect("c", third, CallId("z"))
    for name in "abc":
        control.pool.perform(JoinRoom(leg=LegId(name), room="red"))
    caller, agent = parted
    await talk(1.0, (caller, 440), (agent, 1000), (third, 1500))
    tones = {440: caller, 1000: agent, 1500: third}
    for own, peer in tones.items():
        samples = peer.heard()[2400:]
        assert level(samples, own) < 300
        assert all(steady_level(samples, other) > 6000 for other in tones if other != own)
    third.close()


async def test_a_talk_over_two_workers_survives_the_death_of_either(
    control: Control, parted: tuple[Peer, Peer], workers: list[WorkerProcess], tmp_path: Path
) -> None:
    caller, agent = parted
    path = tmp_path / "talk.wav"
    control.pool.perform(Bridge(a=A, b=B))
    control.pool.perform(StartRecording(call=X, recording=RecordingId("r"), left=A, right=B, path=str(path)))
    await talk(1.2, (caller, 440), (agent, 1000))
    workers[0].kill()
    (lost,) = await control.wait_for(WorkerLost)
    assert lost.legs == (A,)
    await control.connect("a", caller, X)  # what the gateway does once the party agreed
    assert [state.legs for state in control.pool.workers] == [0, 2]
    for peer in parted:
        peer.packets.clear()
    await talk(1.0, (caller, 440), (agent, 1000))
    assert heard(caller, 1000, 440)
    assert heard(agent, 440, 1000)
    control.pool.perform(StopRecording(recording=RecordingId("r")))
    (closed,) = await control.wait_for(RecordingClosed)
    assert "are silent: the media worker was gone" in closed.error
    samples, _ = soundfile.read(path, dtype="int16")
    assert closed.seconds == pytest.approx(len(samples) / 8000)
    assert len(samples) / 8000 > 2.0
    for channel, hertz in ((0, 440), (1, 1000)):
        assert steady_level(samples[1600:3200, channel], hertz) > 6500
        assert steady_level(samples[-3200:, channel], hertz) > 6500


async def test_a_restarted_control_knows_calls_links_and_recordings_of_all_workers(
    control: Control,
    parted: tuple[Peer, Peer],
    make_control: Callable[..., Control],
    workers: list[WorkerProcess],
    tmp_path: Path,
) -> None:
    caller, agent = parted
    path = tmp_path / "talk.wav"
    control.pool.perform(Bridge(a=A, b=B))
    control.pool.perform(StartRecording(call=X, recording=RecordingId("r"), left=A, right=B, path=str(path)))
    for call in (X, Y):
        control.pool.perform(KeepSnapshot(call=call, snapshot={"of": call}))
    await talk(0.8, (caller, 440), (agent, 1000))
    await control.close()
    for peer in parted:
        peer.packets.clear()
    second = make_control("media-0", "media-1")
    await second.pool.start()
    assert {s.call: (s.legs, s.snapshot) for s in second.pool.survivors()} == {
        X: ((A,), {"of": X}),
        Y: ((B,), {"of": Y}),
    }
    assert [state.legs for state in second.pool.workers] == [1, 1]
    await talk(0.8, (caller, 440), (agent, 1000))
    assert heard(caller, 1000, 440)
    assert heard(agent, 440, 1000)
    workers[1].kill()
    await second.wait_for(WorkerLost)
    await second.connect("b", agent, Y)
    for peer in parted:
        peer.packets.clear()
    await talk(0.8, (caller, 440), (agent, 1000))
    assert heard(caller, 1000, 440)
    assert heard(agent, 440, 1000)
    second.pool.perform(ForgetCall(call=Y))
    (closed,) = await second.wait_for(RecordingClosed)
    assert closed.recording == "r"
    samples, _ = soundfile.read(path, dtype="int16")
    assert steady_level(samples[1600:4800, 1], 1000) > 6500
    second.pool.perform(ForgetCall(call=X))
    third = make_control("media-0")
    await third.pool.start()
    assert third.pool.survivors() == []
