"""Whom the prober hears: who was negotiated, or one other port of his, once; never a stranger."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from ccplatform.kernel.clock import SystemClock
from ccplatform.proof.call import Voice
from ccplatform.proof.mouth import Mouth
from ccplatform.proof.networks import Network
from gateway.media.g711 import Law
from gateway.media.port import RemoteAudio
from gateway.media.rtcp import ReportBlock, build
from tests.support.milestone import PATIENCE, until

HERE = "127.0.0.1"


class Source:
    """Somebody who sends voice to the prober from a port of his own."""

    def __init__(self, voice: Voice, host: str = HERE) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self._to = voice.local.host, voice.local.port
        self._mouth = Mouth(ssrc=self.port, law=Law.PCMA, event_type=None)
        self._mouth.say(np.full(1600, 8000, dtype=np.int16))

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def speak(self, packets: int = 1) -> None:
        for _ in range(packets):
            self.socket.sendto(self._mouth.packets()[0][0], self._to)


@pytest.fixture
async def voice() -> AsyncIterator[Voice]:
    voice = Voice(HERE, ssrc=1, clock=SystemClock(), peer="127.0.0.2")
    yield voice
    voice.close()


Sources = Callable[..., Source]


@pytest.fixture
def sources(voice: Voice) -> Iterator[Sources]:
    made: list[Source] = []

    def make(host: str = HERE) -> Source:
        made.append(Source(voice, host))
        return made[-1]

    yield make
    for source in made:
        source.socket.close()


def negotiate(voice: Voice, source: Source) -> None:
    voice.connect(RemoteAudio(host=HERE, port=source.port, codec="PCMA", payload_type=8, dtmf_payload_type=None))


async def heard(voice: Voice, received: int, foreign: int = 0) -> None:
    for _ in range(int(PATIENCE / 0.01)):
        if (voice.ear.received, voice.foreign) == (received, foreign):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"heard {voice.ear.received}, {voice.foreign} of others")


async def test_only_the_negotiated_address_is_heard(voice: Voice, sources: Sources) -> None:
    centre, stranger = sources(), sources()
    negotiate(voice, centre)
    centre.speak(2)
    await heard(voice, 2)
    stranger.speak(3)
    await heard(voice, 2, foreign=3)


async def test_packets_that_overtake_the_answer_are_heard_when_it_is_there(voice: Voice, sources: Sources) -> None:
    centre, stranger = sources(), sources("127.0.0.9")
    stranger.speak()
    centre.speak(2)
    await asyncio.sleep(0.05)
    assert voice.ear.received == 0
    negotiate(voice, centre)
    await heard(voice, 2, foreign=1)


async def test_another_port_of_the_peer_is_taken_once(voice: Voice, sources: Sources) -> None:
    silent, natted, late = sources(), sources("127.0.0.2"), sources()
    negotiate(voice, silent)
    natted.speak(2)
    await heard(voice, 2)
    late.speak()
    await heard(voice, 2, foreign=1)
    natted.speak()
    await heard(voice, 3, foreign=1)


async def test_a_stranger_is_never_taken_for_the_peer(voice: Voice, sources: Sources) -> None:
    silent, stranger = sources(), sources("127.0.0.9")
    negotiate(voice, silent)
    stranger.speak(2)
    await heard(voice, 0, foreign=2)


async def test_the_far_end_reports_at_the_next_port_and_nobody_else_does(voice: Voice, sources: Sources) -> None:
    centre, stranger = sources(), sources("127.0.0.9")
    negotiate(voice, centre)
    assert voice.mouth is not None
    assert voice.receipts is not None
    for _ in range(20):
        voice.tick(SystemClock().now())
    block = ReportBlock(
        ssrc=1, fraction_lost=0, lost=2, highest=voice.mouth.first + 9, jitter=0, last_report=0, delay=0
    )
    there = voice.local.host, voice.local.port + 1
    assert voice.local.port % 2 == 0
    stranger.socket.sendto(build(9, "x@y", None, replace(block, lost=9)), there)
    centre.socket.sendto(b"garbage", there)
    centre.socket.sendto(build(9, "x@y", None, block), there)
    await until(lambda: bool(voice.receipts and voice.receipts.expected), lambda: "no report was taken")
    assert (voice.receipts.expected, voice.receipts.lost) == (10, 2)


async def test_what_is_on_the_way_spoils_both_directions(voice: Voice, sources: Sources) -> None:
    centre = sources()
    centre.socket.settimeout(PATIENCE)
    voice.impair(None, 1, Network(name="cut", loss=1.0))
    negotiate(voice, centre)
    centre.speak(3)
    voice.tick(0.0)
    await asyncio.sleep(0.05)
    assert voice.ear.received == 0
    voice.impair(None, 1, Network(name="slow", delay_ms=30))
    centre.speak()
    voice.tick(SystemClock().now())
    await heard(voice, 1)
    assert await asyncio.to_thread(centre.socket.recv, 2048)
    assert voice.mouth is not None
    assert voice.mouth.sent == 2
