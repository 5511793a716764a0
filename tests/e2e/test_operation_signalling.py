"""All signalling of a running centre: found, followed, taken along (R10.4.d)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.e2e.centre import Centre
from tests.support import pcap
from tests.support.fixtures import MakePhone


async def test_a_call_is_seen_while_it_goes_on_and_afterwards(
    centre: Centre, phone: MakePhone, tmp_path: Path
) -> None:
    number = centre.new_caller()
    last = (await centre.get("signalling", limit=1))["last"]
    following = {"after": last, "caller": number, "status": "2xx", "wait_seconds": 20}
    tail = asyncio.ensure_future(centre.get("signalling/tail", **following))
    caller = await phone(number)
    call = await caller.dial(centre.number("95002"))
    await call.answered.wait()
    seen = (await tail)["items"]
    assert [(item["status"], item["method"], item["outgoing"]) for item in seen] == [(200, "INVITE", True)]
    await call.hang_up()
    contact = await centre.ended(number)
    mine = await centre.eventually(
        lambda: centre.items("signalling", caller=number),
        lambda items: sum(item["method"] == "BYE" for item in items) == 2,
    )
    assert {item["contact"] for item in mine} == {contact["id"]}
    assert {item["call_id"] for item in mine} == {call.call_id}
    past = await centre.eventually(
        lambda: centre.items("signalling", contact=contact["id"]), lambda items: len(items) == len(mine)
    )
    assert [item["text"] for item in past] == [item["text"] for item in mine]
    assert await centre.items("signalling", caller=number, trunk="pstn") == mine
    assert await centre.items("signalling", caller=number, trunk="lab") == []
    answer = await centre.ask("GET", "signalling/capture", params={"contact": contact["id"]})
    file = tmp_path / "call.pcap"
    file.write_bytes(answer.content)
    packets = pcap.read(file)
    assert [pcap.complaints(packet) for packet in packets] == [[]] * len(mine)
    assert all("sip" in packet for packet in packets)


async def test_what_belongs_to_no_contact_is_seen_by_seat(centre: Centre, phone: MakePhone) -> None:
    seat = await phone("8009", password="demo-8009")
    await seat.register(centre.sip)
    found = await centre.eventually(
        lambda: centre.items("signalling", seat="seat-09", method="REGISTER"),
        lambda items: any(item["status"] == 200 for item in items),
    )
    assert {item["contact"] for item in found} == {None}
    texts = [item["text"] for item in found]
    assert any('response="***"' in text or "response=***" in text for text in texts)
    assert await centre.items("signalling", seat="seat-09", trunk="pstn") == []
