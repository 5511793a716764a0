"""A session played in virtual time: the real interpreter, with everything around it answered from a trial's file.

A text takes as long as it would about be spoken (:data:`SECONDS_A_SIGN`), so that barge-in, time-outs and
announcements meet the caller as they would on the telephone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from ccplatform.contracts.facts import Fact, FlowLeft, FlowNodeEntered, SurveyAnswered
from ccplatform.contracts.flows import (
    ConferenceCaller,
    EchoCaller,
    EndFlow,
    EnterQueue,
    FlowDigit,
    FlowFinished,
    FlowPlaybackEnded,
    FlowRecordingBegan,
    FlowRecordingEnded,
    FlowRequest,
    FlowRequestFailed,
    FlowVoiceChanged,
    LeaveQueue,
    PlayPrompt,
    RecordCaller,
    StartFlow,
    StopPrompt,
    StopRecordingCaller,
    TransferCaller,
)
from ccplatform.contracts.media import StreamItem
from ccplatform.contracts.words import ContactId, FlowId, FlowOutcome, RecordingId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.core import EffectRunner
from ivr.interpreter import Interpreter
from ivr.model import Flow
from ivr.plan import Plan
from ivr.prompts import Piece, Sound, SoundFile, Utterance
from ivr.speech.recognition.port import Hypothesis
from ivr.trials.script import BotAct, Said, World
from ivr.trials.story import Story
from ivr.trials.world import answer_of
from ivr.work import (
    Ask,
    BotDone,
    BotFailed,
    BotReady,
    BotSaid,
    BotVoice,
    CloseBot,
    CloseHearing,
    Effect,
    EndUtterance,
    HearingFailed,
    HearingReady,
    HearUtterance,
    OpenBot,
    OpenHearing,
    Render,
    Rendered,
    RunQuery,
    SessionEvent,
    SpeechFound,
    Tell,
    TellKey,
    Work,
    WorkResult,
)

#: About how long a sign is spoken, seconds: a Chinese character, any other; and what is no text.
SECONDS_A_SIGN: Final = (0.25, 0.07)
SECONDS_A_SOUND: Final = 1.0
#: Pause between two keys, seconds.
KEY_SECONDS: Final = 0.2
#: The longest that a caller listens without being asked, seconds.
LONGEST_LISTENING: Final = 3600.0
#: The shortest that he says something, seconds: what is shorter stops no prompt.
SHORTEST_SPEECH: Final = 0.5

#: The answer to a piece of work at a local time, and how many seconds it takes.
Answers = Callable[[Work, datetime], tuple[WorkResult, float]]

_CONTACT: Final = ContactId("trial")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A prompt that began: what it says."""

    node: str
    text: str


class Stage:
    """One session, from its first node on. ``heard`` is what was said since the last act of the caller.

    ``answers`` stand in for those of the world's file; ``story`` is told everything.
    """

    def __init__(
        self,
        flow: Flow,
        parts: Mapping[str, Flow],
        world: World,
        *,
        answers: Answers | None = None,
        story: Story | None = None,
    ) -> None:
        self.world = world
        self.story = story
        self.playing_until: float | None = None
        self.cause = ""
        self._answers: Answers = answers or partial(_answer_in, world)
        self._pieces: dict[int, tuple[Piece, ...]] = {}
        self._saying: Sequence[Said] = ()
        self._uttering = False
        self._answered_at: float | None = None
        self._talk: int | None = None
        self.heard: list[Heard] = []
        self.walk: list[str] = []
        self.answers: dict[str, int] = {}
        self.reached = ""
        self.outcome: FlowOutcome | None = None
        self._clock = VirtualClock()
        self._began = self._clock.now()
        self._texts: dict[int, str] = {}
        self._playing: PlayPrompt | None = None
        self._recording: tuple[RecordingId, float] | None = None
        self._recordings = 0
        self._session = Interpreter(
            contact=_CONTACT, plan=Plan(flow), parts={name: Plan(part) for name, part in parts.items()}
        )
        self._runner: EffectRunner[SessionEvent, Effect] = EffectRunner(self._session, self._perform, self._clock)
        given = {"caller": "", "dialled": "", "seat": "", **world.given}
        self._post(StartFlow(contact=_CONTACT, flow=FlowId(flow.flow), variables=given))

    # --- what the caller does -----------------------------------------------------------------------------

    def press(self, keys: str) -> None:
        """Press keys, one after the other."""
        self.heard = []
        for key in keys:
            self._clock.advance(KEY_SECONDS)
            if self.story is not None:
                self.story.pressed(self.seconds, key, self.state())
            self._post(FlowDigit(contact=_CONTACT, digit=key, ended_at=self._clock.now()))

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.heard = []
        self._clock.advance(seconds)

    def listen(self) -> None:
        """Hear everything out, until nothing is said any more."""
        until = self._clock.now() + LONGEST_LISTENING
        while self._playing is not None and self._clock.now() < until:
            self._clock.advance(0.1)

    def speak(self, seconds: float) -> None:
        """Say something."""
        self.listen()
        self._post(FlowVoiceChanged(contact=_CONTACT, speaking=True, at=self._clock.now()))
        self._clock.advance(seconds)
        self._post(FlowVoiceChanged(contact=_CONTACT, speaking=False, at=self._clock.now()))

    def say(self, said: Sequence[Said]) -> None:
        """Say something now, also into a prompt; a recogniser understands it as ``said``, the likeliest first."""
        self.heard = []
        self._saying = said
        if self._talk is not None:
            self._post(BotSaid(talk=self._talk, speaker="caller", text=said[0].text))
        elif self.story is not None:
            self.story.spoke(self.seconds, said[0].text, said[0].confidence)
        self._post(FlowVoiceChanged(contact=_CONTACT, speaking=True, at=self._clock.now()))
        self._clock.advance(max(SHORTEST_SPEECH, _seconds_of(said[0].text)))
        self._post(FlowVoiceChanged(contact=_CONTACT, speaking=False, at=self._clock.now()))
        while self._uttering and (due := self._session.next_deadline()) is not None:
            self._clock.advance(max(0.0, due - self._clock.now()))
        self._saying = ()

    def bot(self, act: BotAct) -> None:
        """The bot that talks with him does this; where none does, nothing happens."""
        talk = self._talk
        if talk is None:
            return
        self.heard = []
        if act.says is not None:
            self.heard.append(Heard(node=self.node, text=act.says))
            self._post(BotSaid(talk=talk, speaker="bot", text=act.says))
            self._clock.advance(_seconds_of(act.says))
        elif act.fails:
            self._post(BotFailed(talk=talk, cause="bot_unavailable"))
        else:
            done = BotDone(talk=talk, to=act.transfers, outcome=act.ends or "", variables=dict(act.variables))
            self._post(done)

    def serve(self) -> None:
        """Who was to have the caller takes him, and the call ends there."""
        self._post(EndFlow(contact=_CONTACT, abandoned=False))

    def hang_up(self) -> None:
        """Leave."""
        self._post(EndFlow(contact=_CONTACT, abandoned=True))

    def refuse(self, reason: str) -> None:
        """Who was to have the caller does not take him."""
        self.heard = []
        self._post(FlowRequestFailed(contact=_CONTACT, reason=reason))

    # --- where he is --------------------------------------------------------------------------------------

    @property
    def talking(self) -> bool:
        """Whether a voice bot talks with him."""
        return self._talk is not None

    @property
    def node(self) -> str:
        """The node that he is at; in a sub-flow ``flow/node``."""
        return self.walk[-1] if self.walk else ""

    @property
    def variables(self) -> dict[str, str]:
        """The running flow's variables, without secrets."""
        variables: dict[str, str] = self._session.snapshot(self._clock.now())["variables"]
        return variables

    @property
    def seconds(self) -> float:
        """How long the call has lasted."""
        return self._clock.now() - self._began

    @property
    def playing_left(self) -> float:
        """For how many seconds it is still being spoken."""
        return 0.0 if self.playing_until is None else self.playing_until - self._clock.now()

    @property
    def due(self) -> float | None:
        """In how many seconds something happens by itself."""
        instants = [at for at in (self.playing_until, self._answered_at) if at is not None]
        deadline = self._session.next_deadline()
        instants += [] if deadline is None else [deadline]
        return max(0.0, min(instants) - self._clock.now()) if instants and self.outcome is None else None

    def state(self) -> dict[str, Any]:
        """The session's cursor, without secrets."""
        return self._session.snapshot(self._clock.now())

    @property
    def began_at(self) -> datetime:
        """The time of day at which it began."""
        return self.world.at or datetime(2026, 1, 5, 10, tzinfo=UTC)

    @property
    def local_time(self) -> datetime:
        """The time of day of the trial."""
        return self.began_at + timedelta(seconds=self.seconds)

    # --- effects ------------------------------------------------------------------------------------------

    def _post(self, event: SessionEvent) -> None:
        if self.outcome is None:
            self._runner.post(event)

    def _perform(self, effect: Effect) -> None:
        if self.story is not None and not isinstance(effect, Tell) and not self._session.ended:
            self.story.settle(self.seconds, self.state())
        match effect:
            case Tell(fact=fact):
                self._told(fact)
            case Ask(request=request):
                self._asked(request)
            case Render(ticket=ticket, pieces=pieces):
                self._texts[ticket] = " ".join(text for piece in pieces if (text := _text_of(piece)))
                self._pieces = {ticket: pieces}
                self._post(Rendered(ticket=ticket, items=()))
            case OpenHearing(hearing=hearing) if self.world.recogniser:
                self._post(HearingReady(hearing=hearing, path="", rate=8000))
            case OpenHearing(hearing=hearing):
                self._post(HearingFailed(hearing=hearing))  # he presses keys
            case HearUtterance():
                self._uttering = True
            case EndUtterance(hearing=hearing):
                self._uttering = False
                found = tuple(Hypothesis(text=one.text, confidence=one.confidence / 100) for one in self._saying)
                self._post(SpeechFound(hearing=hearing, hypotheses=found))
            case CloseHearing():
                self._uttering = False
            case OpenBot(talk=talk) if self.world.bots:
                self._talk = talk
                self._post(BotReady(talk=talk, path="", sound="", rate=8000))
            case OpenBot(talk=talk):
                self._post(BotFailed(talk=talk, cause="bot_unavailable"))
            case CloseBot():
                self._talk = None
            case BotVoice() | TellKey():
                pass
            case _:
                self._work(effect)

    def _work(self, work: Work) -> None:
        answer, seconds = self._answers(work, self.local_time)
        if self.story is not None:
            self.story.worked(self.seconds, work, answer)
        if isinstance(work, RunQuery) and seconds:
            self._answered_at = self._clock.now() + seconds
            self._clock.call_at(self._answered_at, lambda: self._answered(answer))
        else:
            self._post(answer)

    def _answered(self, answer: WorkResult) -> None:
        self._answered_at = None
        self._post(answer)

    def _told(self, fact: Fact) -> None:
        if self.story is not None:
            self.story.told(self.seconds, fact)
        if isinstance(fact, FlowNodeEntered):
            root = self._session.flow.flow
            self.walk.append(fact.node if fact.flow == root else f"{fact.flow}/{fact.node}")
        elif isinstance(fact, SurveyAnswered):
            self.answers[fact.question] = fact.score
        elif isinstance(fact, FlowLeft):
            self.cause = fact.cause

    def _asked(self, request: FlowRequest) -> None:
        match request:
            case PlayPrompt(items=(StreamItem(),)):
                pass  # a bot's sound, whose words are told by themselves
            case PlayPrompt():
                self._play(request)
            case StopPrompt():
                if self.story is not None and not self._talk:
                    self.story.stopped(self.seconds)
                self._stopped()
            case RecordCaller():
                self._recordings += 1
                self._recording = RecordingId(f"message-{self._recordings}"), self._clock.now()
                self._post(FlowRecordingBegan(contact=_CONTACT, recording=self._recording[0]))
            case StopRecordingCaller() if self._recording is not None:
                (recording, began), self._recording = self._recording, None
                seconds = self._clock.now() - began
                self._post(FlowRecordingEnded(contact=_CONTACT, recording=recording, seconds=seconds))
            case LeaveQueue():
                self.reached = ""
            case FlowFinished():
                self.outcome = request.outcome
                self._stopped()
                self._runner.close()
            case _:
                reached = _reached_by(request)
                if reached and self.story is not None:
                    self.story.handed_on(self.seconds, reached)
                self.reached = reached or self.reached

    def _play(self, request: PlayPrompt) -> None:
        ticket = int(request.playback.rpartition("/")[2])
        text = self._texts.pop(ticket, "[beep]")
        self.heard.append(Heard(node=self.node, text=text))
        if self.story is not None:
            self.story.said(self.seconds, text, self._pieces.pop(ticket, ()))
        self._playing = request
        self.playing_until = self._clock.now() + _seconds_of(text)
        self._clock.call_at(self.playing_until, lambda: self._played(request))

    def _stopped(self) -> None:
        self._playing = self.playing_until = None

    def _played(self, request: PlayPrompt) -> None:
        if self._playing is request:
            self._stopped()
            self._post(FlowPlaybackEnded(contact=_CONTACT, playback=request.playback, finished=True))


def _answer_in(world: World, work: Work, now: datetime) -> tuple[WorkResult, float]:
    return answer_of(work, world, now)


def _reached_by(request: FlowRequest) -> str:
    match request:
        case EnterQueue(queue=queue):
            return f"queue {queue}"
        case TransferCaller(agent=agent) if agent is not None:
            return f"agent {agent}"
        case TransferCaller(number=number, trunk=trunk):
            return f"trunk {trunk} number {number}" if trunk is not None else f"number {number}"
        case ConferenceCaller(room=room):
            return f"conference {room}"
        case EchoCaller():
            return "echo"
        case _:
            return ""


def _text_of(piece: Piece) -> str:
    match piece:
        case Utterance(text=text):
            return text
        case SoundFile(name=name):
            return f"[{name}]"
        case Sound():
            return ""
        case _:
            return f"[{type(piece).__name__}]"


def _seconds_of(text: str) -> float:
    chinese, other = SECONDS_A_SIGN
    return sum(chinese if "\u4e00" <= sign <= "\u9fff" else other for sign in text) or SECONDS_A_SOUND
