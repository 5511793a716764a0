"""Who may ring a robot's line: the centre that it is registered with, from its own address."""

from __future__ import annotations

import asyncio
import socket

from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.proof.line import Line, ProbeCall
from gateway.sip.flows import Flow
from tests.support.milestone import PATIENCE

_INVITE = (
    "INVITE sip:8099@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {by};branch=z9hG4bK{by}\r\nMax-Forwards: 70\r\n"
    "From: <sip:71@{by}>;tag=a\r\nTo: <sip:8099@{to}>\r\nCall-ID: {by}\r\nCSeq: 1 INVITE\r\n"
    "Contact: <sip:71@{by}>\r\nContent-Length: 0\r\n\r\n"
)


class _Everybody:
    """Answers whoever gets so far."""

    def __init__(self) -> None:
        self.calls: list[ProbeCall] = []

    def wants(self, user: str, caller: str) -> bool:
        return True

    def answers(self, user: str, caller: str, call: ProbeCall) -> None:
        self.calls.append(call)


def _rung_from(host: str, to: str) -> int:
    """The first final or ringing status of an INVITE."""
    address, _, port = to.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind((host, 0))
        phone.settimeout(PATIENCE)
        phone.sendto(_INVITE.format(to=to, by=f"{host}:{phone.getsockname()[1]}").encode(), (address, int(port)))
        while (status := int(phone.recv(65_536).split()[1])) == 100:
            pass
    return status


async def test_only_the_centre_rings() -> None:
    clock, everybody = SystemClock(), _Everybody()
    tasks = TaskSupervisor(clock)
    line = Line(target=Flow("UDP", "127.0.0.1", 9), host="127.0.0.1", caller="", clock=clock, tasks=tasks)
    line.answerer = everybody
    await line.open()
    try:
        assert await asyncio.to_thread(_rung_from, "127.0.0.2", line.identity.address(line.target)) == 480
        assert everybody.calls == []
        assert await asyncio.to_thread(_rung_from, "127.0.0.1", line.identity.address(line.target)) == 180
    finally:
        for call in everybody.calls:
            line.leave(call)
        line.close()
        await tasks.close()
