"""Media over IPv6: besides what every test of the engine shows over both (see ``make_rig``)."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from ccplatform.contracts.words import CallId, LegId
from gateway.media.addresses import address_key
from gateway.media.errors import CannotOpenLeg
from gateway.media.legs import Leg
from gateway.media.settings import MediaSettings
from tests.gateway.media.peers import Peer, Rig, level, tone


@pytest.fixture
def both(compiled_helper: None) -> Rig:
    return Rig(host="::1", bind_ip="127.0.0.1")


def leg_of(rig: Rig, name: str, host: str) -> tuple[Leg, Peer]:
    """A connected leg at one of two hosts, and its peer."""
    local = rig.engine.open_leg(CallId("call"), LegId(name), ipv6=":" in host)
    leg, peer = rig.engine.legs.by_id[LegId(name)], rig.peer(host=host)
    assert local.host == host
    peer.to = (local.host, local.port)
    rig.engine.connect_leg(leg, peer.remote())
    return leg, peer


@pytest.mark.parametrize("compiled_helper_used", [True, False])
def test_a_party_on_ipv4_and_one_on_ipv6_hear_each_other(
    compiled_helper: None, compiled_helper_used: bool
) -> None:
    rig = Rig(host="::1", bind_ip="127.0.0.1", compiled_helper=compiled_helper_used)
    (old, at_old), (new, at_new) = leg_of(rig, "old", "127.0.0.1"), leg_of(rig, "new", "::1")
    rig.engine.routing.bridge(old, new)
    rig.talk((at_old, tone(440, 1.0)), (at_new, tone(1000, 1.0)))
    assert level(at_new.heard()[4000:], 440) == pytest.approx(8000, rel=0.1)
    assert level(at_old.heard()[4000:], 1000) == pytest.approx(8000, rel=0.1)
    assert rig.engine.legs.quality(new).packets_received == 50
    rig.close()


def test_ports_of_one_version_are_no_ports_of_the_other(both: Rig) -> None:
    old, new = both.engine.open_leg(CallId("call"), LegId("old")), both.open("new")[1]
    assert (old.host, new.host) == ("127.0.0.1", "::1")
    assert both.engine.legs.by_id[LegId("new")].ports.rtp.family == socket.AF_INET6
    assert old.port != new.port
    both.close()


def test_a_peer_of_the_other_version_gets_nothing(both: Rig) -> None:
    leg, peer = both.leg("new")
    stranger = both.peer(host="127.0.0.1")
    both.engine.connect_leg(leg, stranger.remote())
    both.ticks(5)
    assert not both.engine.parts.sender.sending[leg.row]
    both.engine.connect_leg(leg, peer.remote())
    both.ticks(5)
    assert both.engine.parts.sender.sending[leg.row]
    both.close()


def test_reports_go_both_ways(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(host="::1")
    leg, peer = rig.leg("a")
    rig.talk((peer, tone(440, 6.0)))
    report = peer.rtcp.recv(1500)
    assert report[1] == 200
    assert leg.rtcp.to == address_key("::1", peer.port + 1)
    peer.rtcp.sendto(report, ("::1", peer.to[1] + 1))
    rig.tick()
    assert rig.engine.rtcp.strangers == rig.engine.rtcp.malformed == 0
    assert leg.rtcp.remote_lost is None  # it reported of itself, as nobody does: taken, and passed over


def test_what_is_not_served_is_said(compiled_helper: None) -> None:
    rig = Rig()
    with pytest.raises(CannotOpenLeg, match="no address of IPv6"):
        rig.engine.open_leg(CallId("call"), LegId("new"), ipv6=True)
    assert rig.engine.reserve_ports(4, ipv6=True) == ()
    assert rig.engine.parts.table.left == rig.settings.max_legs_per_worker
    rig.close()


def test_what_is_advertised_is_told_and_a_socket_of_all_addresses_is_not_connected(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig(host="::1", bind_ip6="::", advertised_ip6="2001:db8::9")
    leg, local = rig.open("a")
    assert local.host == "2001:db8::9"
    peer = rig.peer()
    peer.to = ("::1", local.port)
    rig.engine.connect_leg(leg, peer.remote())
    rig.engine.routing.echo(leg)
    rig.talk((peer, tone(440, 1.0)))
    assert level(peer.heard()[4000:], 440) == pytest.approx(8000, rel=0.1)
    assert not rig.engine.parts.sender.connected[leg.row]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"bind_ip6": "127.0.0.1"}, "At least 3 parts"),
        ({"bind_ip6": "::ffff:127.0.0.1"}, "no IPv4 address within"),
        ({"bind_ip6": "fe80::1%lo"}, "no address with a zone"),
        ({"bind_ip6": "::"}, "advertised_ip6 must be set"),
        ({"bind_ip": ""}, "bind_ip or bind_ip6 must be set"),
    ],
)
def test_addresses_that_cannot_be_are_refused(settings: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        MediaSettings.model_validate(settings)


def test_media_may_go_over_one_version_or_both() -> None:
    assert MediaSettings().ip_versions == (4,)
    assert MediaSettings(bind_ip6="::1").ip_versions == (4, 6)
    assert MediaSettings(bind_ip="", bind_ip6="::1").ip_versions == (6,)
