"""A caller for interpreter tests: plays the parts of `calls` and of the workers, and keeps the trace."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from textwrap import dedent
from typing import Any, TypeVar

from ccplatform.contracts.facts import Fact
from ccplatform.contracts.flows import (
    EndFlow,
    FlowDigit,
    FlowFinished,
    FlowPlaybackEnded,
    FlowRecordingBegan,
    FlowRecordingEnded,
    FlowRequest,
    FlowRequestFailed,
    FlowVoiceChanged,
    PlayPrompt,
    RecordCaller,
    StartFlow,
    StopPrompt,
)
from ccplatform.contracts.media import FileItem, PlayItem
from ccplatform.contracts.words import ContactId, FlowId, RecordingId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.core import EffectRunner
from ivr.document import parse_flow
from ivr.interpreter import Interpreter
from ivr.model import Flow
from ivr.plan import Plan
from ivr.prompts import RecordedMessage, ReferenceSpeech, Sound, SoundFile, Utterance
from ivr.work import (
    Ask,
    BotOrder,
    BotVoice,
    CloseBot,
    CloseHearing,
    Effect,
    EndUtterance,
    HearingOrder,
    HearUtterance,
    OpenBot,
    OpenHearing,
    Render,
    Rendered,
    SessionEvent,
    Tell,
    TellKey,
    Work,
    WorkResult,
)

CONTACT = ContactId("01900000-0000-7000-8000-000000000001")

FactT = TypeVar("FactT")
RequestT = TypeVar("RequestT")
WorkT = TypeVar("WorkT")


@cache
def flow_of(text: str) -> Flow:
    """A flow from YAML without its usual head."""
    head = "" if "languages:" in text else "languages: [en]\n"
    return parse_flow(f"flow: test\n{head}{dedent(text)}", "test.yaml")


class Caller:
    """One session under a virtual clock. ``speaks``: prompts are rendered at once, as from the cache; ``records``:
    messages can be recorded."""

    def __init__(
        self,
        flow: Flow | str,
        *,
        speaks: bool = True,
        records: bool = True,
        sources: dict[str, str] | None = None,
        parts: Mapping[str, Flow] | None = None,
        **variables: str,
    ) -> None:
        self.clock = VirtualClock()
        self.flow = flow if isinstance(flow, Flow) else flow_of(flow)
        self.speaks = speaks
        self.records = records
        self.recordings: list[RecordingId] = []
        self.recording: RecordingId | None = None
        self.recorded_at = 0.0
        self.sources = sources or {}
        self.parts = parts or {}
        self.requests: list[FlowRequest] = []
        self.facts: list[Fact] = []
        self.works: list[Work] = []
        self.hearings: list[HearingOrder] = []
        self.bots: list[BotOrder] = []
        self.playing: PlayPrompt | None = None
        self.session = self._new()
        self.runner = self._runner()
        self.send(StartFlow(contact=CONTACT, flow=FlowId(self.flow.flow), variables=variables))

    # --- what the caller and the world do -----------------------------------------------------------------

    def send(self, event: SessionEvent) -> None:
        self.runner.post(event)

    def press(self, digits: str, *, pause: float = 0.2) -> None:
        for digit in digits:
            self.clock.advance(pause)
            self.send(FlowDigit(contact=CONTACT, digit=digit, ended_at=self.clock.now()))

    def hear_out(self) -> None:
        """Let the prompt that plays come to its end."""
        assert self.playing is not None
        playback, self.playing = self.playing.playback, None
        self.send(FlowPlaybackEnded(contact=CONTACT, playback=playback, finished=True))

    def playback_breaks(self) -> None:
        assert self.playing is not None
        playback, self.playing = self.playing.playback, None
        self.send(FlowPlaybackEnded(contact=CONTACT, playback=playback, finished=False, error="file is gone"))

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def says(self, seconds: float) -> None:
        """Speak for so long, then fall silent."""
        self.send(FlowVoiceChanged(contact=CONTACT, speaking=True, at=self.clock.now()))
        self.clock.advance(seconds)
        self.send(FlowVoiceChanged(contact=CONTACT, speaking=False, at=self.clock.now()))

    def file_closes(self, seconds: float | None = None, *, error: str = "") -> None:
        """What was recorded is on the disk, by default all of it."""
        assert self.recording is not None
        recording, self.recording = self.recording, None
        length = self.clock.now() - self.recorded_at if seconds is None else seconds
        self.send(FlowRecordingEnded(contact=CONTACT, recording=recording, seconds=length, error=error))

    def hang_up(self) -> None:
        self.send(EndFlow(contact=CONTACT, abandoned=True))
        if self.recording is not None:
            self.file_closes()

    def send_only_end(self) -> None:
        """He hangs up; his file is not closed yet."""
        self.send(EndFlow(contact=CONTACT, abandoned=True))

    def moves_on(self) -> None:
        self.send(EndFlow(contact=CONTACT, abandoned=False))

    def refuse(self, reason: str = "full") -> None:
        self.send(FlowRequestFailed(contact=CONTACT, reason=reason))

    def answer(self, result: type[WorkResult], **fields: Any) -> None:
        self.send(result(ticket=self.works[-1].ticket, **fields))

    def snapshot(self) -> dict[str, Any]:
        return self.session.snapshot(self.clock.now())

    def restart(self, *meanwhile: SessionEvent) -> None:
        """The control process dies; another takes the session over from its snapshot, ten minutes later.

        It hears of ``meanwhile`` before it takes up what was under way.
        """
        data = self.snapshot()
        self.runner.close()
        self.clock = VirtualClock(start=self.clock.now() + 600)
        self.session = self._new()
        self.session.restore(data, self.clock.now())
        self.runner = self._runner()
        for event in meanwhile:
            self.runner.post(event)
        for effect in self.session.resume(self.clock.now()):
            self._perform(effect)
        self.runner.rearm()

    # --- what came of it ----------------------------------------------------------------------------------

    @property
    def node(self) -> str:
        return str(self.snapshot()["node"])

    @property
    def finished(self) -> FlowFinished | None:
        ends = [request for request in self.requests if isinstance(request, FlowFinished)]
        assert len(ends) <= 1, "a session finishes once"
        return ends[0] if ends else None

    def told(self, kind: type[FactT]) -> list[FactT]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def asked(self, kind: type[RequestT]) -> list[RequestT]:
        return [request for request in self.requests if isinstance(request, kind)]

    def work(self, kind: type[WorkT]) -> WorkT:
        work = self.works[-1]
        assert isinstance(work, kind)
        return work

    def spoken(self) -> str:
        """What the last prompt said."""
        prompt = self.asked(PlayPrompt)[-1]
        return " ".join(item.path for item in prompt.items if isinstance(item, FileItem))

    # --- machinery ----------------------------------------------------------------------------------------

    def _new(self) -> Interpreter:
        parts = {name: Plan(part) for name, part in self.parts.items()}
        return Interpreter(contact=CONTACT, plan=Plan(self.flow), revision="r1", sources=self.sources, parts=parts)

    def _runner(self) -> EffectRunner[SessionEvent, Effect]:
        return EffectRunner(self.session, self._perform, self.clock)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Tell(fact=fact):
                self.facts.append(fact)
            case Ask(request=request):
                self.requests.append(request)
                if isinstance(request, PlayPrompt):
                    self.playing = request
                elif isinstance(request, StopPrompt):
                    self.playing = None
                elif isinstance(request, RecordCaller):
                    self._record()
            case Render() if self.speaks:
                items = tuple(item for piece in effect.pieces for item in _item(piece))
                self.runner.post(Rendered(ticket=effect.ticket, items=items))
            case OpenBot() | BotVoice() | TellKey() | CloseBot():
                self.bots.append(effect)
            case OpenHearing() | HearUtterance() | EndUtterance() | CloseHearing():
                self.hearings.append(effect)
            case _:
                self.works.append(effect)

    def _record(self) -> None:
        if not self.records:
            self.runner.post(FlowRequestFailed(contact=CONTACT, reason="no_recording"))
            return
        self.recording, self.recorded_at = RecordingId(f"message-{len(self.recordings) + 1}"), self.clock.now()
        self.recordings.append(self.recording)
        self.runner.post(FlowRecordingBegan(contact=CONTACT, recording=self.recording))


def _item(piece: Any) -> tuple[PlayItem, ...]:
    match piece:
        case Utterance():
            return (FileItem(path=piece.text),)
        case SoundFile():
            return (FileItem(path=piece.name),)
        case Sound():
            return (piece.item,)
        case RecordedMessage(recording=recording):
            return (FileItem(path=recording),)
        case ReferenceSpeech():
            return (FileItem(path="reference"),)
    raise AssertionError(piece)
