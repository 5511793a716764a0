"""Bot nodes: a talk from its beginning to each of its ends, and after a restart; traces."""

from __future__ import annotations

import pytest

from ccplatform.contracts.facts import BotTalkBegan, BotTalkEnded, BotTurn
from ccplatform.contracts.flows import (
    EnterQueue,
    FlowPlaybackEnded,
    FlowTapEnded,
    FlowVoiceChanged,
    PlayPrompt,
    StopPrompt,
    TapCaller,
    UntapCaller,
)
from ccplatform.contracts.media import StreamItem
from ccplatform.contracts.words import FlowOutcome, PlaybackId
from ivr.document import parse_flow
from ivr.errors import FlowError
from ivr.work import (
    BotDone,
    BotFailed,
    BotReady,
    BotResult,
    BotSaid,
    BotSounds,
    BotVoice,
    CloseBot,
    OpenBot,
    TellKey,
)
from tests.ivr.scripted import CONTACT, Caller

TALK = """
start: talk
variables: {account: "7", wish: "", how: ""}
nodes:
  talk:
    kind: bot
    bot: helper
    variables: [caller, account]
    results: {wish: topic}
    outcome: how
    max_seconds: 60
    on_transfer: {people: people}
    on_end: bye
    on_timeout: late
    on_error: broken
  people: {kind: queue, queue: support, on_error: bye}
  late: {kind: hangup}
  broken: {kind: queue, queue: support, on_error: bye}
  bye: {kind: hangup}
"""


class Talker(Caller):
    """A caller whose bot does as told."""

    @property
    def talk(self) -> int:
        return self.bots[-1].talk

    def ready(self) -> None:
        self.bot_does(BotReady(talk=self.talk, path="/run/b.sock", sound="/run/b-0.pcm", rate=16000))

    def bot_does(self, event: BotResult) -> None:
        self.send(event)

    def done(self, to: str | None, outcome: str = "", **variables: str) -> None:
        self.bot_does(BotDone(talk=self.talk, to=to, outcome=outcome, variables=variables))

    @property
    def ended(self) -> tuple[str, str]:
        (fact,) = self.told(BotTalkEnded)
        return fact.how, fact.detail


def talking() -> Talker:
    caller = Talker(TALK, caller="13800000001")
    caller.ready()
    return caller


def test_a_bot_is_asked_with_the_variables_that_the_node_names() -> None:
    caller = Talker(TALK, caller="13800000001", dialled="95008")
    (order,) = caller.bots
    assert isinstance(order, OpenBot)
    assert (order.bot, order.language, order.max_seconds, order.resumed) == ("helper", "en", 60.0, False)
    assert order.variables == {"caller": "13800000001", "account": "7"}
    assert not caller.asked(PlayPrompt), "nothing sounds until it is ready"
    assert caller.told(BotTalkBegan)[0].bot == "helper"


def test_a_ready_bot_hears_the_caller_and_is_heard() -> None:
    caller = talking()
    assert caller.asked(TapCaller) == [TapCaller(tap=f"{CONTACT}/bot-1", path="/run/b.sock", rate=16000)]
    assert caller.asked(PlayPrompt)[0].items == (StreamItem(path="/run/b-0.pcm", rate=16000),)


def test_keys_and_voice_are_the_bots() -> None:
    caller = talking()
    caller.press("5")
    caller.send(FlowVoiceChanged(contact=CONTACT, speaking=True, at=3.0))
    assert caller.bots[1:] == [TellKey(talk=1, digit="5"), BotVoice(talk=1, speaking=True, at=3.0)]


def test_it_hands_over_with_its_transcript_and_variables() -> None:
    caller = talking()
    caller.bot_does(BotSaid(talk=1, speaker="bot", text="Hello?"))
    caller.bot_does(BotSaid(talk=1, speaker="caller", text="My card is lost."))
    caller.wait(4.0)
    caller.done("people", topic="card", unknown="x")
    turns = caller.told(BotTurn)
    assert [(turn.number, turn.speaker, turn.text) for turn in turns] == [
        (1, "bot", "Hello?"),
        (2, "caller", "My card is lost."),
    ]
    assert caller.asked(EnterQueue)[0].queue == "support"
    variables = caller.snapshot()["variables"]
    assert (variables["wish"], variables["how"]) == ("card", "people")
    assert "unknown" not in variables
    assert caller.ended == ("transfer", "people")
    assert caller.told(BotTalkEnded)[0].seconds == pytest.approx(4.0)
    assert caller.bots[-1] == CloseBot(talk=1, reason="transfer")
    assert caller.asked(UntapCaller)
    assert caller.asked(StopPrompt)


def test_it_may_be_done_with_him() -> None:
    caller = talking()
    caller.done(None, outcome="solved")
    assert caller.ended == ("end", "solved")
    assert caller.finished is not None
    assert caller.finished.outcome is FlowOutcome.COMPLETED


def test_it_cannot_hand_over_to_what_the_node_does_not_name() -> None:
    caller = talking()
    caller.done("everybody")
    assert caller.ended == ("error", "no_such_transfer")
    assert caller.node == "broken"


@pytest.mark.parametrize("cause", ["bot_unavailable", "bot_slow", "bot_fault", "bot_left"])
def test_a_bot_that_fails_leads_to_the_failure_path(cause: str) -> None:
    caller = talking() if cause != "bot_unavailable" else Talker(TALK)
    caller.bot_does(BotFailed(talk=1, cause=cause))
    assert (caller.node, caller.ended) == ("broken", ("error", cause))


def test_a_bot_that_never_answers_is_left() -> None:
    caller = Talker(TALK)
    caller.wait(11.0)
    assert (caller.node, caller.ended) == ("broken", ("error", "bot_unavailable"))


def test_the_longest_talk_ends() -> None:
    caller = talking()
    caller.wait(59.0)
    assert caller.node == "talk"
    caller.wait(1.5)
    assert caller.ended == ("timeout", "")
    assert caller.finished is not None


def test_a_caller_who_hangs_up_ends_the_talk() -> None:
    caller = talking()
    caller.hang_up()
    assert caller.ended == ("hang_up", "")
    assert caller.bots[-1] == CloseBot(talk=1, reason="hang_up")


def test_sound_that_breaks_off_either_way_is_a_failure() -> None:
    unheard = talking()
    unheard.send(FlowTapEnded(contact=CONTACT, tap=f"{CONTACT}/bot-1", reason="too many"))
    assert unheard.ended == ("error", "tap_ended")
    silent = talking()
    silent.playback_breaks()
    assert silent.ended == ("error", "playback_failed")


def test_another_media_worker_plays_from_another_file() -> None:
    caller = talking()
    first = caller.asked(PlayPrompt)[0].playback
    caller.bot_does(BotSounds(talk=1, sound="/run/b-1.pcm"))
    assert caller.asked(PlayPrompt)[1].items == (StreamItem(path="/run/b-1.pcm", rate=16000),)
    assert caller.asked(PlayPrompt)[1].playback != first
    assert caller.node == "talk"


def test_late_news_change_nothing() -> None:
    caller = talking()
    caller.done("people")
    facts = len(caller.facts)
    for event in (BotSaid(talk=1, speaker="bot", text="x"), BotFailed(talk=1, cause="bot_left")):
        caller.bot_does(event)
    caller.send(FlowTapEnded(contact=CONTACT, tap=f"{CONTACT}/bot-1", reason=""))
    assert len(caller.facts) == facts
    assert caller.node == "people"


def test_a_restart_of_control_takes_the_talk_up_again() -> None:
    caller = talking()
    caller.wait(20.0)
    caller.restart()
    order = caller.bots[-1]
    assert isinstance(order, OpenBot)
    assert (order.talk, order.resumed, order.max_seconds) == (2, True, 40.0)
    caller.bot_does(BotFailed(talk=1, cause="bot_left"))
    caller.ready()
    caller.wait(39.0)
    assert caller.node == "talk"
    caller.wait(1.5)
    assert caller.ended == ("timeout", "")
    assert caller.told(BotTalkEnded)[0].seconds == pytest.approx(60.0, abs=0.6)


def test_sound_that_ended_with_the_old_control_process_ends_no_talk() -> None:
    caller = talking()
    playing = caller.asked(PlayPrompt)[-1].playback
    caller.restart(
        FlowTapEnded(contact=CONTACT, tap=f"{CONTACT}/bot-1", reason="the reader is gone"),
        FlowPlaybackEnded(contact=CONTACT, playback=playing, finished=False, error="gone"),
    )
    assert [fact.resumed for fact in caller.told(BotTalkBegan)] == [False, True]
    caller.ready()
    assert caller.node == "talk"
    caller.done(None)
    assert caller.ended == ("end", "")


def test_secrets_are_not_for_bots() -> None:
    flow = TALK.replace("start: talk", "start: pin").replace(
        "nodes:\n",
        "nodes:\n  pin: {kind: collect, prompt: {en: PIN}, variable: account, length: {max: 4}, secure: true, "
        "next: talk, fallback: bye, on_error: bye}\n",
    )
    with pytest.raises(FlowError, match=r"variables\.1: 'account' is a secure input"):
        parse_flow(f"flow: test\nlanguages: [en]\n{flow}", "test.yaml")


def test_a_bot_that_ends_at_once_cannot_turn_for_ever() -> None:
    with pytest.raises(FlowError, match="endless loop"):
        parse_flow(f"flow: test\nlanguages: [en]\n{TALK.replace('on_end: bye', 'on_end: talk')}", "test.yaml")


def test_a_finished_stream_of_an_earlier_prompt_is_not_the_bots() -> None:
    caller = talking()
    caller.playing = PlayPrompt(playback=PlaybackId("another"), items=())
    caller.hear_out()
    assert caller.node == "talk"
