"""Two worker processes as one engine: calls that meet across them, and calls that outlive one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ccplatform.contracts.media import (
    Bridge,
    ForgetCall,
    JoinRoom,
    KeepSnapshot,
    RecordingClosed,
    StartRecording,
    StartTap,
    StopRecording,
    StopTap,
    TapEnded,
    Unbridge,
)
from ccplatform.contracts.words import CallId, LegId, RecordingId
from ccplatform.security.sealed_sound import HEADER_BYTES
from gateway.media.audio import Pcm
from gateway.media.g711 import Law
from gateway.media.port import WorkerLost
from gateway.media.settings import MediaSettings
from tests.gateway.media.peers import Peer, level, steady_level
from tests.gateway.media.tap_reader import Reader
from tests.gateway.media.workers import Control, WorkerProcess, talk
from tests.support.ports import PortBlock
from tests.support.sealed import SEAL, unsealed

X, Y = CallId("x"), CallId("y")
A, B = LegId("a"), LegId("b")


@pytest.fixture
def settings(ports: PortBlock) -> MediaSettings:
    return MediaSettings(rtp_ports=f"{ports.first}-{ports.last}", workers=2, bind_ip6="::1")


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


def hears(peer: Peer, hertz: float, own: float) -> bool:
    """Whether a peer has been hearing that tone for a while, and not his own."""
    samples = peer.heard()[-2400:]
    return len(samples) == 2400 and steady_level(samples, hertz) > 6000 and level(samples, own) < 300


def is_silent(peer: Peer) -> bool:
    """Whether a peer has been hearing nothing for a while."""
    samples = peer.heard()[-2400:]
    return len(samples) == 2400 and int(np.abs(samples).max()) < 50


def seconds_of(samples: Pcm, hertz: float) -> float:
    """For how long a tone is in a recording, whatever else there is."""
    windows = [samples[start : start + 400] for start in range(0, len(samples) - 399, 400)]
    return sum(level(window, hertz) > 6000 for window in windows) * 0.05


def recorded(path: Path) -> Pcm:
    """What is in a recording so far, left and right."""
    begun = path.exists() and path.stat().st_size >= HEADER_BYTES
    return np.asarray(unsealed(path)[0] if begun else np.zeros((0, 2)))


async def until(fits: Callable[[], bool], *pairs: tuple[Peer, float]) -> None:
    """Let peers talk until it fits."""
    while not fits():
        await talk(0.1, *pairs)


async def until_recorded(path: Path, since: int, seconds: float, caller: Peer, agent: Peer) -> None:
    """Talk until the file holds more than so many seconds of each from the sample ``since`` on. It is written by
    half seconds; ticks that came late, and what they cost, are in it like everything else."""
    pairs = ((caller, 440.0), (agent, 1000.0))
    await until(
        lambda: all(
            seconds_of(recorded(path)[since:, side], hertz) > seconds for side, (_, hertz) in enumerate(pairs)
        ),
        *pairs,
    )


async def hear_each_other(caller: Peer, agent: Peer) -> None:
    """Talk until each hears the other."""
    caller.packets.clear()
    agent.packets.clear()
    pairs = ((caller, 440.0), (agent, 1000.0))
    await until(lambda: hears(caller, 1000, 440) and hears(agent, 440, 1000), *pairs)


async def test_caller_and_agent_on_different_workers_hear_each_other(
    control: Control, parted: tuple[Peer, Peer], tmp_path: Path
) -> None:
    caller, agent = parted
    path = tmp_path / "talk.wav"
    control.pool.perform(Bridge(a=A, b=B))
    control.pool.perform(
        StartRecording(call=X, recording=RecordingId("r"), left=A, right=B, path=str(path), seal=SEAL)
    )
    await hear_each_other(caller, agent)
    control.pool.perform(Unbridge(leg=A))
    await until(lambda: is_silent(caller) and is_silent(agent), (caller, 440), (agent, 1000))
    await until_recorded(
        path, len(recorded(path)), 0.5, caller, agent
    )  # the hold silences ears, not the recording
    control.pool.perform(StopRecording(recording=RecordingId("r")))
    (closed,) = await control.wait_for(RecordingClosed)
    assert closed.error == ""
    assert closed.seconds == len(recorded(path)) / 8000
    assert is_silent(caller)
    assert is_silent(agent)


async def test_keys_go_from_one_worker_to_the_other(control: Control, parted: tuple[Peer, Peer]) -> None:
    caller, agent = parted
    control.pool.perform(Bridge(a=A, b=B))
    await hear_each_other(caller, agent)
    for packet in caller.press("7"):
        caller.send(packet)

    def ends() -> list[int]:
        return [p.timestamp for p in agent.packets if p.payload_type == 101 and p.payload[1] & 0x80]

    await until(lambda: len(ends()) >= 3, (agent, 1000))
    await talk(0.2, (agent, 1000))
    assert len(set(ends())) == 1
    assert all(p.payload[0] == 7 for p in agent.packets if p.payload_type == 101)


async def test_a_room_over_two_workers_is_one_room(
    control: Control, parted: tuple[Peer, Peer], peers: tuple[Peer, Peer]
) -> None:
    third = Peer()
    await control.connect("c", third, CallId("z"))
    for name in "abc":
        control.pool.perform(JoinRoom(leg=LegId(name), room="red"))
    caller, agent = parted
    tones = {440.0: caller, 1000.0: agent, 1500.0: third}
    await until(
        lambda: all(hears(peer, other, own) for own, peer in tones.items() for other in tones if other != own),
        *((peer, own) for own, peer in tones.items()),
    )
    third.close()


async def test_a_talk_over_two_workers_survives_the_death_of_either(
    control: Control, parted: tuple[Peer, Peer], workers: list[WorkerProcess], tmp_path: Path
) -> None:
    caller, agent = parted
    path = tmp_path / "talk.wav"
    control.pool.perform(Bridge(a=A, b=B))
    control.pool.perform(
        StartRecording(call=X, recording=RecordingId("r"), left=A, right=B, path=str(path), seal=SEAL)
    )
    await hear_each_other(caller, agent)
    await until_recorded(path, 0, 0.5, caller, agent)
    workers[0].kill()
    (lost,) = await control.wait_for(WorkerLost)
    assert lost.legs == (A,)
    await control.connect("a", caller, X)  # what the gateway does once the party agreed
    assert [state.legs for state in control.pool.workers] == [0, 2]
    await hear_each_other(caller, agent)
    await until_recorded(path, len(recorded(path)), 0.5, caller, agent)
    control.pool.perform(StopRecording(recording=RecordingId("r")))
    (closed,) = await control.wait_for(RecordingClosed)
    assert "are silent: the media worker was gone" in closed.error
    assert closed.seconds == pytest.approx(len(recorded(path)) / 8000)


async def test_a_tap_is_made_again_when_its_leg_has_moved(
    control: Control, parted: tuple[Peer, Peer], workers: list[WorkerProcess], tmp_path: Path
) -> None:
    caller, _ = parted
    reader = Reader(tmp_path / "tap")
    control.pool.perform(StartTap(leg=A, tap="asr", path=reader.path))

    def hears_the_caller() -> bool:
        samples = [packet[3] for packet in reader.read()[-5:]]
        return len(samples) == 5 and steady_level(np.concatenate(samples), 440) > 6000

    await until(hears_the_caller, (caller, 440))
    workers[0].kill()
    await control.wait_for(WorkerLost)
    await control.connect("a", caller, X)
    assert [state.legs for state in control.pool.workers] == [0, 2]
    await until(hears_the_caller, (caller, 440))
    assert not any(isinstance(event, TapEnded) for event in control.events)
    control.pool.perform(StopTap(leg=A, tap="asr"))
    (ended,) = await control.wait_for(TapEnded)
    assert (ended.leg, ended.tap, ended.error) == (A, "asr", "")
    reader.close()


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
    control.pool.perform(
        StartRecording(call=X, recording=RecordingId("r"), left=A, right=B, path=str(path), seal=SEAL)
    )
    for call in (X, Y):
        control.pool.perform(KeepSnapshot(call=call, snapshot={"of": call}))
    await hear_each_other(caller, agent)
    await until_recorded(path, 0, 0.5, caller, agent)
    await control.close()
    second = make_control("media-0", "media-1")
    await second.pool.start()
    assert {s.call: (s.legs, s.snapshot) for s in second.pool.survivors()} == {
        X: ((A,), {"of": X}),
        Y: ((B,), {"of": Y}),
    }
    assert [state.legs for state in second.pool.workers] == [1, 1]
    await hear_each_other(caller, agent)
    workers[1].kill()
    await second.wait_for(WorkerLost)
    await second.connect("b", agent, Y)
    await hear_each_other(caller, agent)
    second.pool.perform(ForgetCall(call=Y))
    (closed,) = await second.wait_for(RecordingClosed)
    assert closed.recording == "r"
    assert seconds_of(recorded(path)[:, 1], 1000) > 0.5
    second.pool.perform(ForgetCall(call=X))
    third = make_control("media-0")
    await third.pool.start()
    assert third.pool.survivors() == []


async def test_a_leg_moves_to_the_call_that_it_joined_on_the_same_worker(
    workers: list[WorkerProcess], control: Control, peers: tuple[Peer, Peer], make_control: Callable[..., Control]
) -> None:
    """A new call goes where the one is that it may be joined with; the worker knows then what belongs together."""
    caller, agent = peers
    await control.connect("a", caller, X)
    await control.connect("b", agent, Y, near="a")
    assert sorted(state.legs for state in control.pool.workers) == [0, 2]
    control.pool.move_leg(B, X)
    control.pool.perform(Bridge(a=A, b=B))
    control.pool.perform(KeepSnapshot(call=X, snapshot={"joined": True}))
    control.pool.perform(ForgetCall(call=Y))
    await talk(0.6, (caller, 440), (agent, 800))
    assert hears(caller, 800, own=440)
    assert hears(agent, 440, own=800)
    await control.close()
    again = make_control("media-0", "media-1")
    await again.pool.start()
    assert [(call.call, sorted(call.legs)) for call in again.pool.survivors()] == [(X, [A, B])]
    again.pool.perform(ForgetCall(call=X))


async def test_a_leg_of_another_worker_is_to_be_opened_anew_where_its_call_is(
    control: Control, parted: tuple[Peer, Peer]
) -> None:
    caller, agent = parted
    control.pool.move_leg(B, X)
    control.pool.perform(ForgetCall(call=Y))
    control.pool.perform(Bridge(a=A, b=B))
    (lost,) = await control.wait_for(WorkerLost)
    assert lost.legs == (B,)
    await control.connect("b", agent, X)
    assert sorted(state.legs for state in control.pool.workers) == [0, 2]
    await talk(0.6, (caller, 440), (agent, 800))
    assert hears(caller, 800, own=440)
    assert hears(agent, 440, own=800)


async def test_a_leg_on_ipv6_and_one_on_ipv4_hear_each_other_on_two_workers_and_after_one_died(
    control: Control, workers: list[WorkerProcess], peers: tuple[Peer, Peer]
) -> None:
    caller, agent = peers[0], Peer(law=Law.PCMU, payload_type=0, host="::1")
    await control.connect("a", caller, X)
    await control.connect("b", agent, Y)
    control.pool.perform(Bridge(a=A, b=B))
    await hear_each_other(caller, agent)
    workers[1].kill()
    (lost,) = await control.wait_for(WorkerLost)
    assert lost.legs == (B,)
    await control.connect("b", agent, Y)  # what gateway/reanchoring.py does by a re-INVITE
    await hear_each_other(caller, agent)
    agent.close()
