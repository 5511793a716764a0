"""Gains and mutes on the control side: said again to another worker, and across two of them by a link leg."""

from __future__ import annotations

from ccplatform.contracts.media import Mute, SetGain, Unbridge
from ccplatform.contracts.words import CallId, LegId
from ccplatform.kernel.clock import VirtualClock
from gateway.media.placing import Places
from gateway.media.protocol import CloseLink, Command, OpenLink
from gateway.media.switching import Switching
from gateway.media.wishes import Wishes

_AGENT, _SUPERVISOR = LegId("agent"), LegId("supervisor")
_LISTEN = SetGain(source=_AGENT, sink=_SUPERVISOR, gain=1.0)
_MUTED = Mute(leg=_AGENT, muted=True)


def test_a_gain_and_a_mute_are_wanted_until_they_are_taken_back() -> None:
    wishes = Wishes()
    for command in (_LISTEN, _MUTED):
        wishes.note(command, 0.0)
    assert wishes.of(_AGENT, 0.0) == [_LISTEN, _MUTED]
    assert wishes.of(_SUPERVISOR, 0.0) == [_LISTEN]
    assert wishes.joined(_SUPERVISOR, _AGENT)
    again = Wishes()
    again.restore(wishes.snapshot([_AGENT, _SUPERVISOR], 0.0, 0.0), 0.0, 0.0)
    assert again.of(_AGENT, 0.0) == [_LISTEN, _MUTED]
    for command in (SetGain(source=_AGENT, sink=_SUPERVISOR, gain=0), Mute(leg=_AGENT, muted=False)):
        wishes.note(command, 0.0)
    assert wishes.of(_AGENT, 0.0) == wishes.of(_SUPERVISOR, 0.0) == []
    again.note(Unbridge(leg=_SUPERVISOR), 0.0)
    assert again.of(_AGENT, 0.0) == [_MUTED]
    assert again.forget(_AGENT) == []
    assert again.of(_AGENT, 0.0) == []


def test_a_supervisor_on_another_worker_listens_by_a_link() -> None:
    said: list[tuple[int, Command]] = []
    places = Places(2)
    for worker, leg in enumerate((_AGENT, _SUPERVISOR)):
        place = places.add(CallId(leg))
        places.put(place, worker)
        places.add_leg(place, leg)
    switching = Switching(
        places=places,
        clock=VirtualClock(),
        sockets=("zero", "one"),
        send=lambda worker, command: said.append((worker, command)),
        tell=lambda event: None,
    )
    switching.perform(_LISTEN)
    link = next(command.link for _, command in said if isinstance(command, OpenLink))
    assert [(worker, command) for worker, command in said if not isinstance(command, OpenLink)] == [
        (1, SetGain(source=link, sink=_SUPERVISOR, gain=1.0))
    ]
    switching.perform(SetGain(source=_AGENT, sink=_SUPERVISOR, gain=0.0))
    assert {worker for worker, command in said if isinstance(command, CloseLink)} == {0, 1}
