"""What holds for every caller, however he behaves."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from ccplatform.contracts.facts import FlowEntered, FlowLeft, MessageDropped, MessageLeft
from ccplatform.contracts.flows import FlowFinished, FlowRequestFailed
from ccplatform.contracts.words import FlowOutcome, RecordingId
from ivr.document import shipped_flows
from ivr.model import Collect
from ivr.work import (
    AskDesk,
    AskHours,
    BotDone,
    BotFailed,
    BotReady,
    BotSaid,
    CallBackStored,
    DeskDone,
    DeskRefused,
    FetchMessage,
    HoursFound,
    MarkMessage,
    MessageFetched,
    QueryAnswer,
    Render,
    Rendered,
    RunQuery,
    StoreCallBack,
    WorkFailed,
)
from tests.ivr.scripted import CONTACT, Caller
from tests.ivr.test_interpreter import MENU

FLOWS = shipped_flows()
OPEN_FLOWS = [flow for flow in FLOWS if not any(isinstance(n, Collect) and n.secure for n in flow.nodes.values())]

MAILBOX = "queue:support"
ROW = {"name": "张伟", "name_latin": "Zhang Wei", "balance": "128.50", "amount": "1"}
_STEPS = st.one_of(
    st.tuples(st.just("press"), st.text("0123456789*#A", min_size=1, max_size=8)),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 1.0, 3.0, 10.0])),
    st.tuples(st.just("hear"), st.just("")),
    st.tuples(st.just("break"), st.just("")),
    st.tuples(st.just("refuse"), st.just("")),
    st.tuples(st.just("say"), st.sampled_from([0.1, 2.0, 20.0])),
    st.tuples(st.just("close"), st.sampled_from(["", "disk full"])),
    st.tuples(st.just("bot"), st.sampled_from(["ready", "says", "transfers", "misleads", "ends", "fails"])),
    st.tuples(st.just("answer"), st.sampled_from(["good", "empty", "failed"])),
)
STEPS = st.lists(_STEPS, max_size=40)


def take(caller: Caller, step: tuple[str, object]) -> None:
    match step:
        case ("press", str(keys)):
            caller.press(keys)
        case ("wait", float(seconds)):
            caller.wait(seconds)
        case ("hear", _) if caller.playing is not None:
            caller.hear_out()
        case ("break", _) if caller.playing is not None:
            caller.playback_breaks()
        case ("say", float(seconds)):
            caller.says(seconds)
        case ("close", str(error)) if caller.recording is not None:
            caller.file_closes(error=error)
        case ("refuse", _) if caller.recording is None:
            caller.send(FlowRequestFailed(contact=CONTACT, reason="busy"))
        case ("bot", str(how)) if caller.bots:
            bot_does(caller, how)
        case ("answer", str(how)) if caller.works:
            answer(caller, how)


def bot_does(caller: Caller, how: str) -> None:
    """The bot that was asked last; it may be let go meanwhile."""
    talk = caller.bots[-1].talk
    match how:
        case "ready":
            caller.send(BotReady(talk=talk, path="/run/bot.sock", sound="/run/bot.pcm", rate=16000))
        case "says":
            caller.send(BotSaid(talk=talk, speaker="bot", text="Hello"))
        case "transfers" | "misleads":
            to = "people" if how == "transfers" else "nobody"
            caller.send(BotDone(talk=talk, to=to, outcome="", variables={"c": "5"}))
        case "ends":
            caller.send(BotDone(talk=talk, to=None, outcome="done", variables={}))
        case "fails":
            caller.send(BotFailed(talk=talk, cause="bot_left"))


def fall_silent(caller: Caller, answers: str, *, most: int = 200) -> None:
    """Every prompt is heard out, all work is answered, no key comes: the flow ends by itself or hands him on."""
    for _ in range(most):
        if caller.finished or caller.snapshot()["phase"] == "handed_on":
            return
        if caller.playing is not None:
            caller.hear_out()
        elif caller.snapshot()["phase"] == "saving" and caller.recording is not None:
            caller.file_closes()
        elif caller.snapshot()["phase"] == "working":
            answer(caller, answers)
        else:
            caller.wait(10)
    raise AssertionError(f"the session still is at {caller.snapshot()}")


def answer(caller: Caller, how: str) -> None:
    """Answer the last work; a stale one when it was answered before."""
    work = caller.works[-1]
    if how == "failed":
        caller.answer(WorkFailed, reason="unavailable")
    elif isinstance(work, RunQuery):
        caller.answer(QueryAnswer, row=ROW if how == "good" else None)
    elif isinstance(work, StoreCallBack):
        caller.answer(CallBackStored, call_back="cb")
    elif isinstance(work, FetchMessage) and how == "good":
        fetched = {"message": RecordingId("m"), "caller": "", "left_at": "2026-01-05T09:00:00+08:00", "count": 1}
        caller.answer(MessageFetched, **fetched)
    elif isinstance(work, AskDesk | MarkMessage) and how == "good":
        caller.answer(DeskDone)
    elif isinstance(work, AskDesk | FetchMessage | MarkMessage):
        caller.answer(DeskRefused, reason="no")
    elif isinstance(work, AskHours):
        caller.answer(HoursFound, open=how == "good")
    elif isinstance(work, Render):
        caller.answer(Rendered, items=())


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FLOWS), st.booleans(), STEPS)
def test_whatever_happens_a_session_ends_once_when_the_caller_is_gone(flow, speaks, steps) -> None:  # type: ignore[no-untyped-def]
    caller = Caller(flow, speaks=speaks, caller="13800000001", dialled="95000", seat="seat-01", mailbox=MAILBOX)
    for step in steps:
        take(caller, step)
    caller.hang_up()
    caller.hang_up()
    assert caller.finished is not None
    assert isinstance(caller.requests[-1], FlowFinished)
    assert len(caller.told(FlowEntered)) == len(caller.told(FlowLeft)) == 1
    assert caller.told(FlowLeft)[0].outcome == caller.finished.outcome
    assert (caller.finished.outcome is FlowOutcome.FAILED) == bool(caller.told(FlowLeft)[0].cause)
    assert caller.session.next_deadline() is None
    verdicts = [fact.message for fact in caller.told(MessageLeft)]
    assert len(verdicts) <= 1
    assert caller.finished.message == bool(verdicts)
    verdicts += [fact.message for fact in caller.told(MessageDropped)]
    assert sorted(verdicts) == sorted(caller.recordings), "each recording is left or dropped, once"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FLOWS), STEPS, st.sampled_from(["good", "empty", "failed"]))
def test_a_caller_who_falls_silent_is_handed_on_or_let_go(flow, steps, answers: str) -> None:  # type: ignore[no-untyped-def]
    caller = Caller(flow, caller="13800000001", dialled="95000", seat="seat-01", mailbox=MAILBOX)
    for step in steps:
        take(caller, step)
    fall_silent(caller, answers)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(OPEN_FLOWS), STEPS)
def test_a_restored_session_is_the_same_session(flow, steps) -> None:  # type: ignore[no-untyped-def]
    caller = Caller(flow, caller="13800000001", dialled="95000", seat="seat-01", mailbox=MAILBOX)
    for step in steps:
        take(caller, step)
        if caller.finished:
            return
        data = json.loads(json.dumps(caller.snapshot()))
        again = caller._new()
        again.restore(data, 5000.0)
        assert _rounded(again.snapshot(5000.0)) == _rounded(data)


@settings(max_examples=100, deadline=None)
@given(STEPS, st.data())
def test_a_session_restarted_at_any_step_goes_on_as_if_nothing_had_been(steps, data) -> None:  # type: ignore[no-untyped-def]
    at = data.draw(st.integers(0, len(steps)))
    callers = [Caller(MENU, sources={"balance": "bank"}) for _ in range(2)]
    for index, step in enumerate(steps):
        for caller in callers:
            if caller is callers[1] and index == at and not caller.finished:
                caller.restart()
            take(caller, step)
        if callers[0].finished:
            break
    ways = [
        [fact for fact in caller.facts if type(fact).__name__ in ("FlowNodeEntered", "KeysEntered")]
        for caller in callers
    ]
    assert ways[0] == ways[1]
    assert callers[0].finished == callers[1].finished


def _rounded(data: object) -> object:
    if isinstance(data, float):
        return round(data, 6)
    if isinstance(data, dict):
        return {key: _rounded(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_rounded(value) for value in data]
    return data
