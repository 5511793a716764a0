"""Calls between two stacks of libpri."""

from __future__ import annotations

import os

import pytest

from gateway.isdn.pri.stack import NEAREST, BadCommand
from tests.gateway.isdn.back_to_back import Link, needs_libpri

pytestmark = needs_libpri
BOTH = pytest.mark.parametrize(("side", "other"), [("network", "user"), ("user", "network")])


def connected(link: Link, side: str, other: str, *, name: str = "a", channel: int = 5) -> str:
    """A call of ``side`` that ``other`` answered; its name there."""
    link.do(side, "call", call=name, channel=channel, called="95000", caller="13800000001")
    theirs: str = link.take(other, "setup")["call"]
    for step in ("proceeding", "alerting", "connect"):
        link.do(other, step, call=theirs, channel=channel)
        assert link.take(side, step)["channel"] == channel
    if other == "network":
        link.heard[other].clear()
    return theirs


@BOTH
def test_numbers_arrive_with_their_types(side: str, other: str) -> None:
    link = Link()
    link.do(
        side,
        "call",
        call="a",
        channel=7,
        exclusive=True,
        called="95000",
        called_plan=0x41,
        caller="13800000001",
        caller_plan=0x21,
        presentation=0x21,
        redirecting="4008000",
        redirecting_plan=0x21,
        redirecting_reason=1,
    )
    setup = link.take(other, "setup")
    assert (setup["called"], setup["called_plan"]) == ("95000", 0x41)
    assert (setup["caller"], setup["caller_plan"], setup["presentation"]) == ("13800000001", 0x21, 0x21)
    assert (setup["redirecting"], setup["redirecting_plan"], setup["redirecting_reason"]) == ("4008000", 0x21, 1)
    assert (setup["channel"], setup["exclusive"], setup["complete"]) == (7, True, True)


@BOTH
def test_a_call_is_answered_and_ended_by_either_side(side: str, other: str) -> None:
    link = Link()
    for first in (side, other):
        theirs = connected(link, side, other, name=f"ended-by-{first}")
        names = {side: f"ended-by-{first}", other: theirs}
        second = other if first == side else side
        link.do(first, "hangup", call=names[first], cause=16)
        assert link.take(second, "disconnect")["cause"] == 16
        link.do(second, "hangup", call=names[second], cause=16)
        assert link.take(first, "release")["call"] == names[first]
        assert link.take(second, "release")["call"] == names[second]
    assert not any(link.heard.values())


@BOTH
@pytest.mark.parametrize("proceeds", [False, True])
def test_every_cause_of_a_refusal_arrives(side: str, other: str, proceeds: bool) -> None:
    link = Link()
    for cause in range(1, 128):
        link.do(side, "call", call=f"call-{cause}", channel=9, called="95000")
        theirs = link.take(other, "setup")["call"]
        if proceeds:
            link.do(other, "proceeding", call=theirs, channel=9)
            link.take(side, "proceeding")
        link.do(other, "hangup", call=theirs, cause=cause)
        told = [event for event in link.heard[side] if event["event"] != "proceeding"]
        assert [told[0]["call"], told[0]["cause"]] in (
            [f"call-{cause}", cause],
            [f"call-{cause}", NEAREST.get(cause)],
        )
        link.do(side, "hangup", call=f"call-{cause}", cause=cause)
        for where, name in ((side, f"call-{cause}"), (other, theirs)):
            assert [e["call"] for e in link.heard[where] if e["event"] == "release"] == [name]
            link.heard[where].clear()


@BOTH
def test_every_cause_of_a_hang_up_arrives(side: str, other: str) -> None:
    link = Link()
    for cause in range(1, 128):
        theirs = connected(link, side, other, name=f"call-{cause}")
        link.do(side, "hangup", call=f"call-{cause}", cause=cause)
        assert link.heard[other][0]["cause"] == NEAREST.get(cause, cause)
        link.do(other, "hangup", call=theirs, cause=cause)
        for where, name in ((side, f"call-{cause}"), (other, theirs)):
            assert [e["call"] for e in link.heard[where] if e["event"] == "release"] == [name], cause
            link.heard[where].clear()


@BOTH
def test_digits_come_one_by_one(side: str, other: str) -> None:
    link = Link(overlap=True)
    link.do(side, "call", call="a", channel=3, called="9", complete=False)
    setup = link.take(other, "setup")
    assert (setup["called"], setup["complete"]) == ("9", False)
    link.do(other, "setup_ack", call=setup["call"], channel=3)
    link.take(side, "setup_ack")
    link.do(side, "digits", call="a", digits="5000")
    assert "".join(link.take(other, "digits")["digits"] for _ in "5000") == "5000"
    link.do(other, "alerting", call=setup["call"], channel=3)
    assert [told["event"] for told in link.heard[side]] == ["proceeding", "alerting"]


@BOTH
def test_a_caller_gives_up_before_anything_was_heard(side: str, other: str) -> None:
    link = Link()
    link.do(side, "call", call="b", channel=1, called="95000")
    theirs = link.take(other, "setup")["call"]
    link.do(side, "hangup", call="b", cause=16)
    link.do(other, "proceeding", call=theirs, channel=1)
    assert link.take(other, "disconnect")["cause"] == 16
    link.do(other, "hangup", call=theirs, cause=16)
    assert [told["event"] for told in link.heard[side]] == ["proceeding", "release"]
    assert [told["event"] for told in link.heard[other]] == ["release"]


@BOTH
def test_thirty_calls_stand_at_once(side: str, other: str) -> None:
    link = Link()
    channels = [*range(1, 16), *range(17, 32)]
    theirs = {channel: connected(link, side, other, name=f"c{channel}", channel=channel) for channel in channels}
    for channel in channels:
        link.do(other, "hangup", call=theirs[channel], cause=16)
        assert link.take(side, "disconnect")["call"] == f"c{channel}"
        link.do(side, "hangup", call=f"c{channel}", cause=16)
        assert link.take(side, "release")["channel"] == channel
    link.heard[other].clear()


@BOTH
def test_channels_and_the_span_are_restarted(side: str, other: str) -> None:
    link = Link()
    link.do(side, "restart", channel=3)
    assert link.take(other, "restart")["channel"] == 3
    assert link.take(side, "restart_ack")["channel"] == 3


@BOTH
@pytest.mark.parametrize("cause", [None, 17])
def test_what_is_to_be_heard_before_the_answer_is_told(side: str, other: str, cause: int | None) -> None:
    link = Link()
    link.do(side, "call", call="a", channel=3, called="1")
    theirs = link.take(other, "setup")["call"]
    link.do(other, "proceeding", call=theirs, channel=3)
    assert not link.take(side, "proceeding")["inband"]
    link.do(other, "progress", call=theirs, channel=3, **({} if cause is None else {"cause": cause}))
    assert link.take(side, "progress")["inband"]
    link.do(other, "alerting", call=theirs, channel=3, inband=True)
    assert link.take(side, "alerting")["inband"]


@BOTH
def test_a_call_is_held_and_retrieved(side: str, other: str) -> None:
    link = Link()
    theirs = connected(link, side, other)
    link.do(side, "hold", call="a")
    assert link.take(other, "hold")["call"] == theirs
    link.do(other, "hold_ack", call=theirs)
    assert link.take(side, "hold_ack")["call"] == "a"
    link.do(side, "retrieve", call="a", channel=5)
    assert link.take(other, "retrieve")["call"] == theirs
    link.do(other, "retrieve_ack", call=theirs, channel=5)
    assert link.take(side, "retrieve_ack")["call"] == "a"


@pytest.mark.parametrize("joined", [True, False])
def test_the_network_is_asked_to_join_two_calls(joined: bool) -> None:
    link = Link()
    first = connected(link, "user", "network")
    link.do("network", "call", call="b", channel=7, called="2")
    second = link.take("user", "setup")["call"]
    link.do("user", "connect", call=second, channel=7)
    for told in link.heard.values():
        told.clear()
    link.do("user", "transfer", call="a", to=second)
    asked = link.take("network", "transfer")
    assert {asked["call"], asked["to"]} == {first, "b"}
    link.do("network", "transfer_answer", call=asked["call"], invoke=asked["invoke"], joined=joined)
    assert not link.heard["user"]
    if joined:
        for name in (first, "b"):
            link.do("network", "hangup", call=name, cause=16)
        assert {link.take("user", "disconnect")["call"], link.take("user", "disconnect")["call"]} == {"a", second}


def test_both_sides_seize_one_channel() -> None:
    link = Link()
    for side in ("user", "network"):
        link.stacks[side].command({"command": "call", "call": "mine", "channel": 9, "called": "1"})
    link.pump()
    setups = {side: link.take(side, "setup")["call"] for side in ("user", "network")}
    for side, other in (("user", "network"), ("network", "user")):
        channel = 9 if side == "user" else 10  # the network gives the user's call another channel
        link.do(side, "proceeding", call=setups[side], channel=channel)
        assert link.take(other, "proceeding")["channel"] == channel


def test_a_call_outlives_a_short_break_of_layer_2() -> None:
    link = Link(timers={"T203": 200, "T200": 50})
    theirs = connected(link, "network", "user")
    link.whole = False
    link.run_until(lambda: all({"event": "down"} in told for told in link.heard.values()))
    link.whole = True
    link.run_until(lambda: all({"event": "up"} in told for told in link.heard.values()))
    for told in link.heard.values():
        told.clear()
    link.do("user", "hangup", call=theirs, cause=16)
    assert link.take("network", "disconnect")["cause"] == 16


@pytest.mark.parametrize("element", ["5f020102", "6d00", "9f", "7e0301ffff", "1c0691a102020100"])
def test_information_elements_that_nobody_knows_do_no_harm(element: str) -> None:
    link = Link()
    link.spoil = lambda frame: frame + bytes.fromhex(element) if frame[7:8] == b"\x05" else frame
    theirs = connected(link, "network", "user")
    link.do("user", "hangup", call=theirs, cause=16)
    assert link.take("network", "disconnect")["cause"] == 16


@pytest.mark.parametrize("cut", range(8, 40, 3))
def test_messages_that_are_cut_end_no_more_than_their_call(cut: int) -> None:
    link = Link(timers={"T303": 300})
    link.spoil = lambda frame: frame[:cut] if frame[7:8] == b"\x05" else frame
    link.do("network", "call", call="cut", channel=4, called="95000", caller="13800000001")
    link.spoil = lambda frame: frame
    for told in list(link.heard["user"]):
        if told["event"] == "setup":
            link.do("user", "hangup", call=told["call"], cause=28)
    link.do("network", "hangup", call="cut", cause=16)
    link.run_until(lambda: not link.stacks["network"].calls)
    for heard in link.heard.values():
        heard.clear()
    connected(link, "network", "user", name="next")


def test_garbage_is_survived() -> None:
    link = Link()
    theirs = connected(link, "network", "user")
    for frame in (
        b"",
        b"\0",
        os.urandom(260),
        bytes(400),
        link.frames[-1][1][:-1],
        b"\2\1\0\0\x08\2\xff\xff\x05\xff",
    ):
        link.inject("user", frame)
    link.run_until(lambda: True)
    link.heard["user"].clear()
    link.do("user", "hangup", call=theirs, cause=16)
    link.run_until(lambda: any(told["event"] == "disconnect" for told in link.heard["network"]))


@pytest.mark.parametrize(
    "command",
    [
        {"command": "fly"},
        {"command": "call", "call": "a", "channel": 16, "called": "1"},
        {"command": "call", "call": "a", "channel": 32, "called": "1"},
        {"command": "call", "call": "a", "channel": 1, "called": "12a"},
        {"command": "call", "call": "a", "channel": 1},
        {"command": "connect", "call": "nobody", "channel": 1},
        {"command": "hangup", "call": "a", "cause": 0},
        {"command": "restart", "channel": "x"},
    ],
)
def test_commands_that_make_no_sense_are_refused(command: dict[str, object]) -> None:
    link = Link()
    with pytest.raises(BadCommand):
        link.stacks["user"].command(command)
    link.pump()
    assert not any(link.heard.values())
