"""Sockets that are connected to the peer they hear: who is kept out, and who is heard again when."""

from __future__ import annotations

import socket
from collections.abc import Callable

import numpy as np
import pytest

from gateway.media.legs import Leg
from tests.gateway.media.peers import Peer, Rig, level, tone

_SETTLED = 0.22  # seconds of talking after which a leg is settled


@pytest.fixture
def settled(rig: Rig) -> tuple[Leg, Peer]:
    """A leg that hears its own echo, settled."""
    leg, caller = rig.leg("a")
    rig.engine.routing.echo(leg)
    rig.talk((caller, tone(440, _SETTLED)))
    assert _is_settled(rig, leg)
    return leg, caller


def _is_settled(rig: Rig, leg: Leg) -> bool:
    return bool(rig.engine.parts.sender.connected[leg.row])


def _stranger(rig: Rig, caller: Peer) -> Peer:
    stranger = rig.peer(ssrc=99)
    stranger.to = caller.to
    return stranger


def test_the_kernel_keeps_strangers_out_of_a_settled_leg(rig: Rig, settled: tuple[Leg, Peer]) -> None:
    leg, caller = settled
    caller.packets.clear()
    stranger = _stranger(rig, caller)
    rig.talk((caller, tone(440, 0.4)), (stranger, tone(1000, 0.4)))
    heard = caller.heard()[1600:]
    assert level(heard, 440) > 7000
    assert level(heard, 1000) < 100
    assert int(rig.engine.parts.sources.strangers[leg.row]) == 0
    assert stranger.packets == []


def test_after_silence_another_source_is_heard_again(rig: Rig, settled: tuple[Leg, Peer]) -> None:
    leg, caller = settled
    rig.ticks(round(5.0 / 0.02) + 10)  # media.relatch_seconds
    assert not _is_settled(rig, leg)
    other = _stranger(rig, caller)
    rig.talk((other, tone(440, 0.6)))
    assert level(other.heard()[800:], 440) > 7000
    assert not _is_settled(rig, leg)  # the signalled address would always win


def test_a_new_address_from_signalling_is_heard_at_once(rig: Rig, settled: tuple[Leg, Peer]) -> None:
    leg, caller = settled
    moved = _stranger(rig, caller)
    rig.engine.connect_leg(leg, moved.remote())
    rig.talk((moved, tone(440, 0.6)))
    assert level(moved.heard()[800:], 440) > 7000
    assert _is_settled(rig, leg)


def test_a_peer_that_refuses_a_packet_gets_all_the_next(rig: Rig, settled: tuple[Leg, Peer]) -> None:
    _, caller = settled
    address = caller.rtp.getsockname()
    rig.peers.remove(caller)
    caller.rtp.close()
    rig.ticks(6)  # each packet is refused, and the refusal told
    caller.rtp = socket.socket(caller.rtp.family, socket.SOCK_DGRAM)
    caller.rtp.bind(address)
    caller.rtp.setblocking(False)
    caller.packets.clear()
    rig.peers.append(caller)
    rig.talk((caller, tone(440, 0.4)))
    numbers = np.array([packet.sequence for packet in caller.packets])
    assert len(numbers) == 20
    assert (np.diff(numbers) == 1).all()


def test_a_socket_of_all_addresses_is_never_connected(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(bind_ip="0.0.0.0", advertised_ip="127.0.0.1", host="127.0.0.1")
    leg, caller = rig.leg("a")
    rig.talk((caller, tone(440, 2 * _SETTLED)))
    assert not _is_settled(rig, leg)


def test_a_peer_heard_from_another_address_is_not_settled_with(rig: Rig) -> None:
    leg, caller = rig.leg("a")
    rig.talk((_stranger(rig, caller), tone(440, 2 * _SETTLED)))
    assert rig.engine.parts.sources.heard[leg.row]
    assert not _is_settled(rig, leg)
