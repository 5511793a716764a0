"""Providers that we did not write, on real sockets: Kamailio as registrar and proxy, SIPp that challenges or
fails, and names from a name server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
import pytest

from ccplatform.contracts.legs import LegAnswered, LegEnded, LegOffered
from ccplatform.contracts.words import ReleaseCause, TrunkId
from gateway.errors import NamesUnavailable
from gateway.sip.digest_client import Credentials
from gateway.sip.flows import Flow
from gateway.sip.locating import Question, RecordKind, Server
from gateway.sip.resolver import DnsResolver, find
from gateway.sip.trunk import Registration, Trunk
from tests.gateway.sip.centre import Centre, to_trunk
from tests.gateway.sip.test_loopback import Waiting, real_centre
from tests.support import sipp
from tests.support.kamailio import PASSWORD, Kamailio
from tests.support.milestone import until
from tests.support.ports import free_port

ACCOUNT = Credentials(user="trunk7", password=PASSWORD)


def provider(port: int, *, account: Credentials | None = ACCOUNT, **more: object) -> Trunk:
    return Trunk(id=TrunkId("far"), host="127.0.0.1", port=port, credentials=account, **more)  # type: ignore[arg-type]


async def call_out(centre: Centre, number: str = "95000") -> None:
    waiting = Waiting(centre)
    leg = centre.dial(to_trunk("far", number))
    await waiting.next(LegAnswered)
    centre.release(leg)
    await waiting.next(LegEnded)


# --- SIPp -------------------------------------------------------------------------------------------------


async def test_a_provider_that_challenges_invite_and_bye() -> None:
    async with sipp.Sipp("uas_challenge") as far_end:
        async with real_centre(lambda: [provider(far_end.port)]) as centre:
            for _ in range(2):
                await call_out(centre)
                centre.access.configure_trunks([])  # forget the nonce, as the scenario does
                centre.access.configure_trunks([provider(far_end.port)])
        (await far_end.finish()).require_success(2)


async def test_a_server_that_says_503_is_left_for_its_backup() -> None:
    async with sipp.Sipp("uas_busy") as busy, sipp.Sipp("uas", hold=0) as spare:
        backups = (f"sip:127.0.0.1:{spare.port}",)
        async with real_centre(lambda: [provider(busy.port, account=None, backups=backups)]) as centre:
            for _ in range(3):
                await call_out(centre)
            assert centre.ended() == [(ReleaseCause.NORMAL, False)] * 3
        (await spare.finish()).require_success(3)
        (await busy.finish()).require_success(1)  # then it rests


# --- Kamailio ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def registered(kamailio: Kamailio, transport: str = "UDP") -> AsyncIterator[Centre]:
    trunk = provider(kamailio.port, transport=transport, domain="provider.example", registration=Registration())
    async with real_centre(lambda: [trunk]) as centre:

        def state() -> str:
            return str(centre.access.trunk_service.describe(trunk)["registration"]["state"])

        await until(lambda: state() == "registered", lambda: f"registered; {state()}; {kamailio.log()}")
        yield centre


@pytest.mark.parametrize(("algorithm", "transport"), [("SHA-256", "UDP"), ("MD5", "UDP"), ("SHA-256", "TCP")])
async def test_kamailio_takes_our_registration_and_our_calls(algorithm: str, transport: str) -> None:
    async with (
        sipp.Sipp("uas", hold=0) as far_end,
        Kamailio(far=far_end.port, algorithm=algorithm) as kamailio,
        registered(kamailio, transport) as centre,
    ):
        for _ in range(3):
            await call_out(centre)
        (await far_end.finish()).require_success(3)
        assert centre.ended() == [(ReleaseCause.NORMAL, False)] * 3


async def test_a_call_for_our_contact_reaches_the_number_in_to() -> None:
    far = free_port()
    async with Kamailio(far=far) as kamailio, registered(kamailio) as centre:
        centre.answers_everything()
        caller = sipp.Sipp("uac", target=("127.0.0.1", kamailio.port), number="trunk7", port=far, calls=3)
        async with caller:
            (await caller.finish()).require_success(3)
        assert [event.dialled for event in centre.of(LegOffered)] == ["trunk7"] * 3
        assert [event.trunk for event in centre.of(LegOffered)] == ["far"] * 3


async def test_wrong_credentials_are_refused_and_said() -> None:
    wrong = Credentials(user="trunk7", password="wrong")
    async with Kamailio(far=free_port()) as kamailio:
        trunk = provider(kamailio.port, account=wrong, domain="provider.example", registration=Registration())
        async with real_centre(lambda: [trunk]) as centre:

            def reason() -> str:
                return str(centre.access.trunk_service.describe(trunk)["registration"]["reason"])

            await until(lambda: reason() == "401 Unauthorized", lambda: f"refused; {reason()}; {kamailio.log()}")


# --- names ------------------------------------------------------------------------------------------------

_ZONE = (
    'provider.test. 7 IN NAPTR 10 10 "s" "SIP+D2T" "" _sip._tcp.provider.test.',
    'provider.test. 7 IN NAPTR 20 10 "s" "SIP+D2U" "" _sip._udp.provider.test.',
    "_sip._tcp.provider.test. 60 IN SRV 10 60 {port} a.provider.test.",
    "_sip._udp.provider.test. 60 IN SRV 10 60 5060 a.provider.test.",
    "a.provider.test. 30 IN A 127.0.0.1",
)


class NameServer(asyncio.DatagramProtocol):
    """A name server of one zone."""

    def __init__(self, port: int) -> None:
        self._transport: asyncio.DatagramTransport | None = None
        self._records = [_record(line.format(port=port)) for line in _ZONE]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        asked = query.question[0]
        response.answer = [one for one in self._records if (one.name, one.rdtype) == (asked.name, asked.rdtype)]
        assert self._transport is not None
        self._transport.sendto(response.to_wire(), addr)


def _record(line: str) -> dns.rrset.RRset:
    name, ttl, kind_class, kind, data = line.split(None, 4)
    return dns.rrset.from_text(name, int(ttl), kind_class, kind, data)


@asynccontextmanager
async def names(port: int) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: NameServer(port), local_addr=("127.0.0.1", 0))
    try:
        yield f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()


async def test_a_name_is_looked_up_by_naptr_srv_and_address() -> None:
    async with names(5071) as server:
        found = await find(
            Server("provider.test", None, None), DnsResolver((server,)), transports=("UDP", "TCP"), families=(4,)
        )
        assert [one.flow for one in found.destinations] == [Flow("TCP", "127.0.0.1", 5071, name="a.provider.test")]
        assert found.ttl == 7
        nothing = await DnsResolver((server,)).ask(Question(RecordKind.SRV, "nothing.test"))
        assert nothing.records == ()


async def test_nobody_who_answers_is_said() -> None:
    with pytest.raises(NamesUnavailable, match="provider\\.test"):
        await DnsResolver((f"127.0.0.1:{free_port()}",)).ask(Question(RecordKind.A, "provider.test"))


async def test_calls_go_where_the_name_leads() -> None:
    async with sipp.Sipp("uas", hold=0, transport="tcp") as far_end, names(far_end.port) as server:
        trunk = Trunk(id=TrunkId("far"), host="provider.test", port=None, transport=None)
        async with real_centre(lambda: [trunk], dns_servers=(server,)) as centre:
            await until(lambda: bool(centre.access.trunk_service.flows(trunk.id)), lambda: "servers found")
            await call_out(centre)
        (await far_end.finish()).require_success(1)
