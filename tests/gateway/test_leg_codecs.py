"""Which codecs legs offer: in the order that is set, beginning with a narrow one for a narrow party's partner."""

from __future__ import annotations

import pytest

from ccplatform.contracts.legs import AdoptLeg, AnswerLeg, DialLeg, LegAnswered, LegEvent, LegOffered
from ccplatform.contracts.words import CallId, ContactId, LegId, LegRole
from ccplatform.kernel.clock import VirtualClock
from gateway.sip.sdp import parse_sdp
from gateway.sip.settings import CodecName, SipSettings
from tests.gateway.sip.centre import Centre, to_trunk, trunk
from tests.gateway.sip.network import DELAY, Network


class _Offers:
    """The formats of every INVITE on the network, by the address of its sender."""

    def __init__(self, network: Network) -> None:
        self.formats: list[list[str]] = []
        network.fate = self._see

    def _see(self, data: bytes) -> list[float]:
        head, _, body = data.partition(b"\r\n\r\n")
        if head.startswith(b"INVITE") and body:
            self.formats.append(parse_sdp(body).media[0].formats)
        return [DELAY]


async def _node(
    host: str, peer: str, clock: VirtualClock, network: Network, codecs: tuple[CodecName, ...]
) -> Centre:
    settings = SipSettings(bind_ip=host, codecs=codecs)
    node = Centre(host, clock, network.wire(host), trunks=[trunk("far", peer)], settings=settings)
    await node.open()
    return node


@pytest.mark.parametrize(
    ("caller", "offered"),
    [
        (("PCMU",), ["0", "9", "8", "13", "101"]),
        (("PCMA", "PCMU"), ["8", "9", "0", "13", "101"]),
        (("G722", "PCMA"), ["9", "8", "0", "13", "101"]),
    ],
)
async def test_the_partner_of_a_narrow_party_is_offered_its_codec_first(
    clock: VirtualClock, network: Network, caller: tuple[CodecName, ...], offered: list[str]
) -> None:
    offers = _Offers(network)
    party = await _node("10.0.0.1", "10.0.0.2", clock, network, caller)
    node = await _node("10.0.0.2", "10.0.0.1", clock, network, ("G722", "PCMA", "PCMU"))
    call, contact = CallId(node.ids.new()), ContactId(node.ids.new())

    def connect(event: LegEvent) -> None:
        match event:
            case LegOffered(leg=leg):
                node.legs.perform(AdoptLeg(leg=leg, call=call, contact=contact, role=LegRole.CALLER))
                node.legs.perform(AnswerLeg(leg=leg))
            case LegAnswered() if len(node.of(LegAnswered)) == 1:
                node.legs.perform(
                    DialLeg(
                        leg=LegId(node.ids.new()),
                        call=call,
                        contact=contact,
                        role=LegRole.AGENT,
                        target=to_trunk("far"),
                        caller="95000",
                    )
                )

    node.on_event = connect
    party.answers_everything()
    party.dial(to_trunk("far"))
    clock.advance(2)
    assert offers.formats[1] == offered
    codecs = {remote.codec for _, remote in node.media.connected}
    assert codecs == {caller[0]}


async def test_codecs_can_be_set_but_not_twice() -> None:
    assert SipSettings(codecs=("PCMU",)).codecs == ("PCMU",)
    for wrong in ((), ("PCMA", "PCMA"), ("G729",)):
        with pytest.raises(ValueError, match=r"codecs"):
            SipSettings.model_validate({"codecs": wrong})
