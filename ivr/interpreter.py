"""The pure interpreter of flows: one session is a flow, a cursor and variables.

Theory of operation. Entering a node either moves on at once (set, branch), asks for work under a ticket (prompts
are rendered before they are played), or hands the caller to `calls`. Keys are taken by the running input or kept
ahead for the next one. Every event is handled to its end: :meth:`Interpreter.handle` follows the way through the
nodes in a loop, never by recursion, until the session waits for something. Whatever fails has a way on; where it
has none, the caller is released and the session has FAILED with its cause. So has one that enters more nodes than
any flow needs. A session emits exactly one FlowFinished, last. What nodes do in detail is in :mod:`ivr.speaking`,
:mod:`ivr.listening`, :mod:`ivr.deciding`, :mod:`ivr.sub_flows`, :mod:`ivr.working`, :mod:`ivr.leaving`,
:mod:`ivr.talking`, :mod:`ivr.handing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ccplatform.contracts.facts import FlowEntered
from ccplatform.contracts.flows import (
    EndFlow,
    FlowDigit,
    FlowPlaybackEnded,
    FlowRecordingBegan,
    FlowRecordingEnded,
    FlowRequestFailed,
    FlowTapEnded,
    FlowVoiceChanged,
    ReleaseCaller,
    StartFlow,
    StopPrompt,
)
from ccplatform.contracts.words import ContactId, ReleaseCause
from ccplatform.kernel.core import DeadlineReached
from ccplatform.kernel.errors import LocalMisuse
from ivr.announcing import announce, announce_later, ask_place
from ivr.entering import enter
from ivr.handing import leave_queue
from ivr.hearing import enter_speech, hearing_went_on, listen_to_speech, voice_due, voice_heard
from ivr.leaving import (
    after_record_prompt,
    caller_gone,
    leave_recording,
    recording_began,
    recording_due,
    recording_ended,
    recording_key,
    resume_recording,
    voice_changed,
)
from ivr.listening import keep_key, listen, pause, take_keys
from ivr.model import (
    AskingNode,
    Bot,
    Collect,
    Conference,
    EnterQueueNode,
    Flow,
    Menu,
    Node,
    PlaySounds,
    Record,
    Say,
    SpeakingNode,
    Speech,
    Survey,
    Transfer,
    Wait,
    WorkingNode,
)
from ivr.plan import Plan
from ivr.run import Run
from ivr.session import Phase, cursor_from, snapshot_of
from ivr.speaking import play, playback_of, prompt_failed, speak
from ivr.talking import bot_due, bot_key, bot_silent, bot_unheard, bot_voice, bot_went_on, resume_bot
from ivr.work import (
    BotDone,
    BotFailed,
    BotReady,
    BotSaid,
    BotSounds,
    Effect,
    HearingFailed,
    HearingReady,
    Rendered,
    SessionEvent,
    SpeechFound,
    WorkFailed,
    WorkResult,
)
from ivr.working import work, work_done, work_failed

#: Most nodes that a session enters before the caller hears or is asked anything, and in all.
MOST_STEPS_AT_ONCE = 2000
MOST_STEPS = 100_000

#: Keys are not for an input of the flow: it has not begun or is over, or others have the caller.
_ELSEWHERE = frozenset(
    {Phase.NEW, Phase.RECORDING, Phase.SAVING, Phase.TALKING, Phase.HANDED_ON, Phase.ENDED},
)


class Interpreter:
    """One session. ``sources`` names the data source of every named query; ``revision`` the flow's version;
    ``parts`` are the sub-flows that it may come through."""

    def __init__(
        self,
        *,
        contact: ContactId,
        plan: Plan,
        revision: str = "",
        sources: Mapping[str, str] | None = None,
        parts: Mapping[str, Plan] | None = None,
    ) -> None:
        self.revision = revision
        self._run = Run(contact=contact, plan=plan, sources=sources or {}, parts=parts or {})
        self._taken_back = False  # from a snapshot, and not resumed yet

    # --- the core's contract ------------------------------------------------------------------------------

    @property
    def flow(self) -> Flow:
        """The flow that the session runs, in the version it began with."""
        return self._run.root.flow

    @property
    def steps(self) -> int:
        """How many nodes it came to."""
        return self._run.cursor.steps

    @property
    def ended(self) -> bool:
        """Whether the session is over."""
        return self._run.ended

    def handle(self, event: SessionEvent | DeadlineReached, now: float) -> list[Effect]:
        """Take one event; late answers and events after the end change nothing."""
        run = self._run
        run.step(now)
        if not run.ended or isinstance(event, StartFlow):
            self._take(event)
            if run.next is not None:
                self._follow()
        return run.out

    def next_deadline(self) -> float | None:
        """When a silent caller, a slow piece of work or the longest session runs out."""
        cursor = self._run.cursor
        if cursor.phase is Phase.HANDED_ON:
            return cursor.deadline  # the next announcement to a waiting caller
        if cursor.phase in (Phase.NEW, Phase.ENDED):
            return None
        if cursor.phase is Phase.SAVING:
            return cursor.deadline  # a caller who is gone has no longest session
        limit = cursor.started_at + self.flow.max_seconds
        return limit if cursor.deadline is None else min(limit, cursor.deadline)

    def fail(self, cause: str, now: float) -> list[Effect]:
        """End the session for a fault outside of its flow (a bug of ours): the caller is released."""
        self._run.step(now)
        if not self._run.ended:
            self._run.give_up(cause)
        return self._run.out

    def snapshot(self, now: float) -> dict[str, Any]:
        """The cursor and variables as JSON-able data, without secure inputs."""
        run = self._run
        secrets = any(plan.asks_securely for plan in (run.root, *run.parts.values()))
        return snapshot_of(run.cursor, now, hide_ahead=secrets, hide_typed=run.at.secure)

    def restore(self, data: dict[str, Any], now: float) -> None:
        """Become the session of a snapshot; call :meth:`resume` next. Raises ValueError on strange data."""
        try:
            cursor = cursor_from(data, now)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a session snapshot: {error!r}") from error
        self._run.use(cursor)
        self._taken_back = True

    def resume(self, now: float) -> list[Effect]:
        """Ask again for what was under way when the snapshot was taken; an unheard prompt starts again."""
        run = self._run
        run.step(now)
        self._taken_back = False
        phase, node = run.cursor.phase, run.node
        if isinstance(node, Speech):
            enter_speech(run, node)
        elif phase is Phase.TALKING and isinstance(node, Bot):
            resume_bot(run, node)
        elif phase in (Phase.RENDERING, Phase.PLAYING) and isinstance(node, SpeakingNode):
            run.cursor.beeped = False
            speak(run, node)
        elif phase in (Phase.RECORDING, Phase.SAVING) and isinstance(node, Record):
            resume_recording(run, node)
        elif phase is Phase.WORKING and isinstance(node, WorkingNode):
            work(run, node)
        elif phase is Phase.HANDED_ON and isinstance(node, EnterQueueNode) and run.cursor.deadline is None:
            announce_later(run, node)
        self._follow()
        return run.out

    # --- events -------------------------------------------------------------------------------------------

    def _take(self, event: SessionEvent | DeadlineReached) -> None:
        match event:
            case FlowDigit():
                self._key(event)
            case FlowTapEnded() if self._taken_back:
                pass  # with the process that read it; whoever hears the caller from now on gets another
            case FlowPlaybackEnded():
                self._playback_ended(event)
            case Rendered() if self._run.cursor.phase is Phase.RENDERING:
                if event.ticket == self._run.cursor.ticket:
                    play(self._run, event.items)
            case DeadlineReached():
                self._deadline()
            case StartFlow():
                self._begin(event)
            case EndFlow():
                self._caller_gone(abandoned=event.abandoned)
            case FlowRequestFailed():
                self._request_failed()
            case FlowVoiceChanged() if self._bot is not None:
                bot_voice(self._run, event)
            case FlowVoiceChanged() if self._run.cursor.hears and isinstance(self._run.node, Speech):
                voice_heard(self._run, self._run.node, event)
            case FlowRecordingBegan() | FlowVoiceChanged() | FlowRecordingEnded():
                self._recording_went_on(event)
            case FlowTapEnded() if self._bot is not None:
                bot_unheard(self._run, self._bot, event)
            case BotReady() | BotSounds() | BotSaid() | BotDone() | BotFailed():
                if self._bot is not None:
                    bot_went_on(self._run, self._bot, event)
            case HearingReady() | SpeechFound() | HearingFailed() | FlowTapEnded():
                hearing_went_on(self._run, event)
            case _:
                if event.ticket == self._run.cursor.ticket:
                    self._worked(event)

    @property
    def _bot(self) -> Bot | None:
        """The node whose bot talks with the caller."""
        node = self._run.node if self._run.cursor.phase is Phase.TALKING else None
        return node if isinstance(node, Bot) else None

    def _begin(self, event: StartFlow) -> None:
        run = self._run
        if run.cursor.phase is not Phase.NEW:
            raise LocalMisuse("the session has begun already")
        run.cursor.started_at = run.now
        run.cursor.variables = {**self.flow.variables, **event.variables}
        run.cursor.language = event.variables.get("language", "")
        run.tell(FlowEntered(contact=run.contact, flow=run.plan.name, revision=self.revision))
        run.next = self.flow.start

    def _key(self, event: FlowDigit) -> None:
        run, phase = self._run, self._run.cursor.phase
        node = run.at.node
        if phase in _ELSEWHERE:
            if phase is Phase.TALKING:
                bot_key(run, event.digit)
            elif phase is Phase.HANDED_ON and isinstance(node, EnterQueueNode):
                leave_queue(run, node, event)
            elif isinstance(node, Record):
                recording_key(run, node, event)
        elif run.cursor.beeped and isinstance(node, Record):
            recording_key(run, node, event)
        elif run.at.takes_keys and keep_key(run, event):
            self._key_kept(phase, node)

    def _key_kept(self, phase: Phase, node: Node) -> None:
        run = self._run
        if phase is Phase.LISTENING and isinstance(node, AskingNode):
            take_keys(run, node)
        elif phase is Phase.WAITING and isinstance(node, Wait):
            run.next = node.next if node.barge_in else None
        elif isinstance(node, SpeakingNode) and node.barge_in:
            if phase is Phase.PLAYING:
                run.ask(StopPrompt())
            run.drop_result()
            self._after_prompt(node)

    def _playback_ended(self, event: FlowPlaybackEnded) -> None:
        run, cursor, node = self._run, self._run.cursor, self._run.at.node
        if event.playback != playback_of(run):
            return
        if cursor.phase is Phase.TALKING and isinstance(node, Bot):
            if (event.error or event.finished) and not self._taken_back:
                bot_silent(run, node)
            return
        if cursor.phase is not Phase.PLAYING or not isinstance(node, SpeakingNode):
            return
        if event.error:
            prompt_failed(run, "playback_failed")
            return
        if not event.finished:
            return  # his leg is being closed: the end of the session follows
        cursor.delivered = cursor.delivered or cursor.result_plays or run.at.delivers
        cursor.result_plays = False
        self._after_prompt(node)

    def _after_prompt(self, node: SpeakingNode) -> None:
        self._run.cursor.ticket += 1  # whatever was under way is no longer waited for
        match node:
            case Menu() | Collect() | Survey():
                listen(self._run, node)
            case Say() | PlaySounds():
                self._run.next = node.next
            case Record():
                after_record_prompt(self._run, node)
            case Speech():
                listen_to_speech(self._run, node)

    def _recording_went_on(self, event: FlowRecordingBegan | FlowVoiceChanged | FlowRecordingEnded) -> None:
        run = self._run
        node = run.node if run.cursor.phase in (Phase.RECORDING, Phase.SAVING) else None
        if not isinstance(node, Record):
            return
        match event:
            case FlowRecordingBegan():
                recording_began(run, event)
            case FlowVoiceChanged():
                voice_changed(run, node, event)
            case FlowRecordingEnded():
                recording_ended(run, node, event)

    def _request_failed(self) -> None:
        run = self._run
        node = run.node if run.cursor.phase in (Phase.HANDED_ON, Phase.RECORDING) else None
        if isinstance(node, EnterQueueNode | Transfer | Conference | Record):
            run.next = node.on_error

    def _caller_gone(self, *, abandoned: bool) -> None:
        if not leave_recording(self._run):
            handed_on = self._run.cursor.phase is Phase.HANDED_ON
            caller_gone(self._run, served=handed_on or not abandoned)

    def _deadline(self) -> None:
        run, cursor = self._run, self._run.cursor
        due = self.next_deadline()
        if due is None or run.now < due:
            return
        if cursor.phase is Phase.HANDED_ON:
            ask_place(run)
            return
        if cursor.phase is not Phase.SAVING and run.now >= cursor.started_at + self.flow.max_seconds:
            run.ask(ReleaseCaller(cause=ReleaseCause.TIMEOUT))
            self._caller_gone(abandoned=True)
            return
        node = run.node
        if isinstance(node, Bot) and cursor.phase is Phase.TALKING:
            bot_due(run, node)
        elif isinstance(node, Speech) and cursor.phase in (Phase.PLAYING, Phase.LISTENING, Phase.RECOGNISING):
            voice_due(run, node)
        elif cursor.phase is Phase.LISTENING and isinstance(node, AskingNode):
            pause(run, node)
        elif cursor.phase is Phase.WAITING and isinstance(node, Wait):
            run.next = node.next
        elif cursor.phase is Phase.WORKING and isinstance(node, WorkingNode):
            work_failed(run, node)
        elif cursor.phase in (Phase.RECORDING, Phase.SAVING) and isinstance(node, Record):
            recording_due(run, node)
        else:
            prompt_failed(run, "speech_timeout")

    def _worked(self, event: WorkResult) -> None:
        run, node = self._run, self._run.node
        if run.cursor.phase is Phase.HANDED_ON and isinstance(node, EnterQueueNode):
            announce(run, node, event)
        elif run.cursor.phase is Phase.WORKING and isinstance(node, WorkingNode):
            work_done(run, node, event)
        elif run.cursor.phase is Phase.RENDERING and isinstance(event, WorkFailed):
            prompt_failed(run, event.reason)

    # --- following the flow -------------------------------------------------------------------------------

    def _follow(self) -> None:
        run, cursor = self._run, self._run.cursor
        at_once = 0
        while run.next is not None and cursor.phase is not Phase.ENDED:
            at_once += 1
            cursor.steps += 1
            if at_once > MOST_STEPS_AT_ONCE or cursor.steps > MOST_STEPS:
                run.give_up("too_many_steps")
                return
            name, run.next = run.next, None
            enter(run, name)
