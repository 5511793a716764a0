"""The shell of recording in the control process: decisions, facts, and the sealing of closed files.

Nothing here waits: file work goes to one thread, in order, so that a slow disk delays no call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import structlog

from ccplatform.contracts.facts import (
    ContactEnded,
    FactEvent,
    RecordingAnnounced,
    RecordingEnded,
    RecordingGap,
    RecordingStarted,
)
from ccplatform.contracts.media import RecordingClosed, Seal
from ccplatform.contracts.ports import Alarms, Facts
from ccplatform.contracts.recordings import Message, RecordingOrder, Talk
from ccplatform.contracts.words import AgentId, Mailbox, RecordingId, RecordingMode, Severity
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.security.errors import VaultClosed
from recording.gaps import Gaps
from recording.messages.model import agent_of, queue_of
from recording.model import Ending, Note, Policy, Rule
from recording.policy import announcement, decide, matching_rule, on_demand
from recording.repair import Repair, Repaired, Rows, finish_cut
from recording.sealed import Sounds

T = TypeVar("T")

_log = structlog.get_logger("recording")

#: Alarm while recordings cannot be written or sealed as they should.
ALARM = "recording_failed"
#: Alarm while recordings have less than was wanted.
GAP_ALARM = "recording_gap"
#: Alarm while parties are recorded who should have been told and were not.
UNANNOUNCED_ALARM = "recording_unannounced"
#: How often what was left unfinished is looked at again.
REPAIR_SECONDS: Final = 60.0
#: The facts that :meth:`RecordingService.observe` takes.
OBSERVED: Final = (ContactEnded, RecordingAnnounced)


class RecordingService:
    """Implements :class:`ccplatform.contracts.recordings.Recorder`.

    ``rows`` is the catalogue, needed by :meth:`repair` only; ``accepts`` says whether a message can be left in a
    mailbox, ``refusal`` why nothing new is to be recorded (''), ``team_of`` in which team an agent is ('': none).
    Call :meth:`repair` once at the start.
    """

    def __init__(
        self,
        *,
        policy: Policy,
        sounds: Sounds,
        rows: Rows,
        facts: Facts,
        alarms: Alarms,
        clock: Clock,
        ids: Ids,
        tasks: TaskSupervisor,
        zone: ZoneInfo,
        accepts: Callable[[Mailbox], bool] = lambda _: True,
        refusal: Callable[[], str] = lambda: "",
        team_of: Callable[[AgentId], str] = lambda _: "",
    ) -> None:
        self._own_policy = self._policy = policy
        self._team_of = team_of
        self._sounds = sounds
        self._files = sounds.files
        self._rows = rows
        self._facts = facts
        self._alarms = alarms
        self._clock = clock
        self._ids = ids
        self._tasks = tasks
        self._zone = zone
        self._accepts = accepts
        self._refusal = refusal
        self._gaps = Gaps()
        self._closing: set[RecordingId] = set()
        self._unwanted: set[RecordingId] = set()  # removed once they are closed
        self._started_at = clock.wall()
        self._open: dict[RecordingId, Note] = {}
        self._awaited: set[RecordingId] = set()  # a media worker will say that it closed them
        self._none_awaited = asyncio.Event()
        self._none_awaited.set()
        self._repaired: set[RecordingId] = set()
        self._left = False  # something is to be repaired once keys or database are back
        self._prepared = ""
        self._pending = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._thread = ThreadPoolExecutor(1, "recording-files")

    # --- Recorder -----------------------------------------------------------------------------------------

    def decide(self, talk: Talk) -> RecordingOrder | None:
        """Ask the policy; an order is told as RecordingStarted, which makes the catalogue row."""
        talk, at = self._seen(talk), self._clock.wall().astimezone(self._zone)
        mode = decide(self._policy, talk, at)
        if mode is None:
            return None
        rule = matching_rule(self._policy, talk, at)
        recording = RecordingId(self._ids.new())
        note = Note(
            recording=recording,
            contact=talk.contact,
            mode=mode,
            queue=talk.queue,
            agent=talk.agent,
            seat=talk.seat,
            keep_days=rule.keep_days if rule is not None else None,
            by=talk.by,
            on_demand=on_demand(self._policy, talk, at),
        )
        order = self._order(note)
        return order and replace(order, announcement=announcement(self._policy, talk, at))

    def announcements(self) -> Collection[str]:
        """All that parties may be told, to be spoken beforehand; nothing while no rule wants that."""
        policy = self._policy
        wanted = policy.announce or any(rule.announce for rule in policy.rules)
        return policy.announcements.values() if wanted else ()

    def on_demand(self, talk: Talk) -> bool:
        """Whether the policy leaves it to people to record this talk."""
        return on_demand(self._policy, self._seen(talk), self._clock.wall().astimezone(self._zone))

    def take_rules(self, rules: tuple[Rule, ...]) -> None:
        """From now on these rules come before those of the settings."""
        self._policy = replace(self._own_policy, rules=(*rules, *self._own_policy.rules))

    def _seen(self, talk: Talk) -> Talk:
        return talk if talk.agent is None else replace(talk, team=self._team_of(talk.agent))

    def take_message(self, message: Message) -> RecordingOrder | None:
        """A message is recorded whatever the policy says, if there is such a mailbox."""
        if not self._accepts(message.mailbox):
            return None
        return self._order(
            Note(
                recording=RecordingId(self._ids.new()),
                contact=message.contact,
                mode=RecordingMode.MESSAGE,
                queue=queue_of(message.mailbox),
                agent=agent_of(message.mailbox),
                seat=None,
            )
        )

    def discard(self, recording: RecordingId) -> None:
        """Remove the file of what turned out to be no message, once it is closed; harmless if it is gone."""
        if recording in self._awaited or recording in self._closing:
            self._unwanted.add(recording)
        else:
            self._begin_work("discard recording", self._discard(recording))

    def closed(self, closed: RecordingClosed) -> None:
        """Seal the file and tell RecordingEnded."""
        ending = Ending(
            seconds=closed.seconds,
            size_bytes=closed.size_bytes,
            complete=not closed.error,
            reason=closed.error,
            root=closed.root,
            pauses=closed.pauses,
            missing_seconds=closed.missing_seconds,
        )
        self._gaps.closed(closed.recording, self._clock.now())
        self._closing.add(closed.recording)
        self._begin_work("finish recording", self._finish(closed.recording, ending))

    def observe(self, event: FactEvent) -> None:
        """A contact ended: so long its recordings should have gone on; or its parties were told of one, or not.

        Subscribe it last: it tells facts.
        """
        match event.fact:
            case ContactEnded(contact=contact):
                for gap in self._gaps.contact_ended(contact, self._clock.now()):
                    self._tell_gap(gap)
            case RecordingAnnounced(played=True):
                self._alarms.clear_alarm(UNANNOUNCED_ALARM, "")
            case RecordingAnnounced(recording=recording, text=text):
                unheard = f"recording {recording} was not announced, there is nothing to play: {text}"
                self._alarms.raise_alarm(UNANNOUNCED_ALARM, "", Severity.NON_URGENT, unheard)

    # --- start and end ------------------------------------------------------------------------------------

    async def repair(self, running: Collection[RecordingId]) -> int:
        """Finish what an earlier run left unfinished; returns how many recordings that were.

        ``running``: those that a media worker still writes. Without the database only the files are looked at;
        what that or a missing key leaves is for the next call, see :meth:`run_repairs`.
        """
        await self.settled()
        self._await(running)
        busy = self._awaited | self._open.keys() | self._repaired
        repair = Repair(sounds=self._sounds, rows=self._rows, before=self._started_at)
        repaired = await repair.run(frozenset(busy))
        self._left = repair.left
        self._tell(repaired)
        return len(repaired)

    async def run_repairs(self) -> None:
        """For ever: finish what was left for want of its key or the database. Keep it running as a task."""
        while True:
            await sleep(self._clock, REPAIR_SECONDS)
            if self._left:
                await self.repair(())

    async def settled(self) -> None:
        """Wait until every file closed so far is sealed."""
        await self._idle.wait()

    async def all_ended(self) -> None:
        """Wait until no recording is being written any more and every file is sealed."""
        await self._none_awaited.wait()
        await self.settled()

    def close(self) -> None:
        """End the file thread after what it has to do; call after :meth:`settled`."""
        self._thread.shutdown(wait=False)

    # --- inside -------------------------------------------------------------------------------------------

    def _prepare(self, recording: RecordingId) -> None:
        day = str(self._files.path_of(recording).parent)
        if day == self._prepared:
            return
        try:
            self._files.prepare(recording)
        except OSError as error:
            self._failed(f"no directory for recordings: {error}")
        else:
            self._prepared = day

    def _await(self, recordings: Collection[RecordingId]) -> None:
        self._awaited.update(recordings)
        if self._awaited:
            self._none_awaited.clear()

    def _await_no_longer(self, recording: RecordingId) -> None:
        self._awaited.discard(recording)
        if not self._awaited:
            self._none_awaited.set()

    async def _finish(self, recording: RecordingId, ending: Ending) -> None:
        try:
            await self._seal(recording, ending)
        finally:
            self._await_no_longer(recording)
            self._closing.discard(recording)
            if recording in self._unwanted:
                self._unwanted.discard(recording)
                await self._discard(recording)

    async def _seal(self, recording: RecordingId, ending: Ending) -> None:
        note = await self._note_of(recording)
        if note is None:
            return
        try:
            ending = await self._in_thread(lambda: self._keep(note, ending))
        except OSError as error:
            ending = replace(ending, complete=False, reason=ending.reason or f"not kept: {error.strerror}")
        self._end(note, ending)

    def _keep(self, note: Note, ending: Ending) -> Ending:
        if ending.root:
            return self._files.seal(note, ending)
        reason = ending.reason or "nobody closed it"
        cut = finish_cut(self._sounds, note, reason)
        self._left = self._left or cut is None
        return cut or replace(ending, complete=False, reason=f"{reason}; no key")

    async def _note_of(self, recording: RecordingId) -> Note | None:
        note = self._open.get(recording) or await self._in_thread(lambda: self._files.note_of(recording))
        if note is None:
            _log.error("a recording was closed that nobody knows", recording=recording)
        return note

    def _end(self, note: Note, ending: Ending) -> None:
        self._open.pop(note.recording, None)
        self._facts.record(ended_fact(note, ending))
        self._tell_gap(self._gaps.kept(note.recording, ending, self._clock.now()))
        if ending.complete:
            self._alarms.clear_alarm(ALARM, "")
        else:
            self._failed(f"recording {note.recording} is incomplete: {ending.reason}")

    def _tell(self, repaired: Iterable[Repaired]) -> None:
        for one in repaired:
            self._repaired.add(one.note.recording)
            if not one.row_exists:
                self._facts.record(started_fact(one.note))
            self._facts.record(ended_fact(one.note, one.ending))
            _log.warning(
                "a recording of an earlier run was finished",
                recording=one.note.recording,
                contact=one.note.contact,
                complete=one.ending.complete,
            )

    def _failed(self, text: str) -> None:
        _log.error("recording failed", reason=text)
        self._alarms.raise_alarm(ALARM, "", Severity.URGENT, text)

    def _order(self, note: Note) -> RecordingOrder | None:
        recording = note.recording
        self._gaps.began(recording, note.contact, self._clock.now())
        if reason := self._refusal():
            self._lose(note, reason)
            return None
        try:
            key, wrapped = self._sounds.keys.make(recording)
        except VaultClosed as error:
            self._lose(note, f"no key: {error}")
            return None
        self._prepare(recording)
        self._open[recording] = note
        self._await({recording})
        self._begin_work("begin recording", self._begin(note))
        self._facts.record(started_fact(note))
        path = str(self._files.path_of(recording))
        return RecordingOrder(
            recording=recording,
            path=path,
            seal=Seal(key=key, wrapped=wrapped),
            mode=note.mode,
            on_demand=note.on_demand,
        )

    def _lose(self, note: Note, reason: str) -> None:
        """A talk that is to be recorded cannot be: its row says so, and the gap is told when it is over."""
        ending = Ending(seconds=0.0, size_bytes=0, complete=False, reason=reason)
        self._facts.record(started_fact(note))
        self._facts.record(ended_fact(note, ending))
        self._failed(f"recording {note.recording} did not begin: {reason}")
        self._tell_gap(self._gaps.kept(note.recording, ending, self._clock.now()))

    def _tell_gap(self, gap: RecordingGap | None) -> None:
        if gap is not None:
            self._facts.record(gap)
            text = f"{gap.seconds:.1f} s of recording {gap.recording} are missing: {gap.reason}"
            _log.error("a gap in a recording", recording=gap.recording, seconds=gap.seconds, reason=gap.reason)
            self._alarms.raise_alarm(GAP_ALARM, "", Severity.URGENT, text)

    async def _discard(self, recording: RecordingId) -> None:
        try:
            await self._in_thread(lambda: self._files.remove(recording))
        except OSError as error:
            _log.error("a dropped message was not removed", recording=recording, reason=error.strerror)

    async def _begin(self, note: Note) -> None:
        try:
            await self._in_thread(lambda: self._files.begin(note))
        except OSError as error:
            self._failed(f"no note beside recording {note.recording}: {error.strerror}")

    def _begin_work(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._pending += 1
        self._idle.clear()
        self._tasks.run_once(name, self._counted(work))

    async def _counted(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            self._pending -= 1
            if not self._pending:
                self._idle.set()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def started_fact(note: Note) -> RecordingStarted:
    """The fact that a recording began."""
    return RecordingStarted(
        contact=note.contact,
        recording=note.recording,
        mode=note.mode,
        queue=note.queue,
        agent=note.agent,
        seat=note.seat,
        keep_days=note.keep_days,
        by=note.by,
        on_demand=note.on_demand,
    )


def ended_fact(note: Note, ending: Ending) -> RecordingEnded:
    """The fact that it ended."""
    return RecordingEnded(
        contact=note.contact,
        recording=note.recording,
        seconds=ending.seconds,
        size_bytes=ending.size_bytes,
        complete=ending.complete,
        reason=ending.reason,
        root=ending.root,
        pauses=ending.pauses,
        missing_seconds=ending.missing_seconds,
    )
