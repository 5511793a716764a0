"""The part of the interpreter that takes a message: a prompt, a beep, what the caller says, and the verdict on it.

The media engine writes the file, and tells when the caller speaks; its end is waited for, also when he is gone
already, so that what is too short or silent is no message and everything else is one. The message is left when
the session ends (:mod:`ivr.run`): whoever hangs up while he listens to it has left it.
"""

from __future__ import annotations

from ccplatform.contracts.facts import MessageDropped
from ccplatform.contracts.flows import (
    FlowDigit,
    FlowRecordingBegan,
    FlowRecordingEnded,
    FlowVoiceChanged,
    HearCaller,
    PlayPrompt,
    RecordCaller,
    StopRecordingCaller,
)
from ccplatform.contracts.media import ToneItem
from ccplatform.contracts.words import FlowOutcome, Mailbox
from ivr.model import Record
from ivr.run import Run
from ivr.session import LeftMessage, Phase
from ivr.speaking import playback_of

#: What is heard before a message is recorded.
BEEP = ToneItem(hertz=(1000.0,), seconds=0.3)
#: How long the end of a file may take to be told, seconds.
CLOSE_SECONDS = 6.0
#: Less voice than this is no message, seconds: a key that is heard as a tone lasts for a tenth.
LEAST_VOICE_SECONDS = 0.3


def after_record_prompt(run: Run, node: Record) -> None:
    """The prompt is over: the beep; the beep is over: the message."""
    if run.cursor.beeped:
        _begin(run, node)
        return
    run.cursor.beeped = True
    run.cursor.phase, run.cursor.deadline = Phase.PLAYING, None
    run.ask(PlayPrompt(playback=playback_of(run), items=(BEEP,)))


def recording_key(run: Run, node: Record, event: FlowDigit) -> None:
    """A key while the message is recorded."""
    if run.cursor.phase is Phase.RECORDING and event.digit == node.terminator:
        run.cursor.keyed_at = event.ended_at
        _stop(run)


def recording_began(run: Run, event: FlowRecordingBegan) -> None:
    """It is being written."""
    if run.cursor.phase is Phase.RECORDING:
        run.cursor.taking = event.recording


def voice_changed(run: Run, node: Record, event: FlowVoiceChanged) -> None:
    """He speaks: for as long as he likes, up to the longest; he fell silent: it may be over."""
    if run.cursor.phase is not Phase.RECORDING:
        return
    _sum_up(run, event.at)
    if event.speaking:
        run.cursor.speaking_at = event.at
    _wait(run, node, event.at)


def recording_due(run: Run, node: Record) -> None:
    """He was silent for long, or spoke for too long; or the end of the file was never told: then what was written
    counts, whatever it is."""
    if run.cursor.phase is Phase.RECORDING:
        _stop(run)
        return
    run.keep_unended()
    if run.cursor.gone:
        caller_gone(run, served=False)
    else:
        run.next = node.on_error


def recording_ended(run: Run, node: Record, event: FlowRecordingEnded) -> None:
    """The file is closed: is it a message?"""
    cursor = run.cursor
    if event.recording != cursor.taking:
        return
    _sum_up(run, run.now)
    enough = event.seconds >= node.min_seconds
    spoken = cursor.spoken_seconds >= LEAST_VOICE_SECONDS
    if enough and spoken:
        cursor.message = LeftMessage(
            recording=event.recording, mailbox=Mailbox(cursor.mailbox), seconds=event.seconds
        )
        cursor.last_message, cursor.taking = event.recording, None
    else:
        reason = "failed" if event.error else "silent" if enough else "too_short"
        run.tell(MessageDropped(contact=run.contact, message=event.recording, reason=reason))
        cursor.taking = None
    if cursor.gone:
        caller_gone(run, served=False)
    elif event.error:
        run.next = node.on_error
    else:
        run.next = node.next if enough and spoken else node.on_empty


def leave_recording(run: Run) -> bool:
    """The caller is gone, or is let go; False when nothing is being recorded, and the session can end."""
    cursor = run.cursor
    if cursor.phase not in (Phase.RECORDING, Phase.SAVING) or cursor.taking is None:
        return False
    if cursor.phase is Phase.RECORDING:
        _stop(run)
    cursor.gone = True
    return True


def caller_gone(run: Run, *, served: bool) -> None:
    """End the session of a caller who is gone; one who left a message got what he wanted."""
    cursor = run.cursor
    served = served or cursor.delivered or cursor.call_back or cursor.message is not None
    run.end(FlowOutcome.COMPLETED if served else FlowOutcome.ABANDONED)


def resume_recording(run: Run, node: Record) -> None:
    """After a restart: it went on meanwhile; whether he speaks is asked anew."""
    cursor = run.cursor
    _sum_up(run, run.now)
    if cursor.phase is Phase.SAVING:
        cursor.deadline = run.now + CLOSE_SECONDS
        return
    _wait(run, node, run.now)
    run.ask(HearCaller())


def _begin(run: Run, node: Record) -> None:
    cursor = run.cursor
    mailbox = node.mailbox or cursor.variables.get(node.mailbox_of or "", "")
    if not mailbox:
        run.next = node.on_error
        return
    if cursor.message is not None:
        dropped = cursor.message.recording
        run.tell(MessageDropped(contact=run.contact, message=dropped, reason="recorded_again"))
        cursor.message = cursor.last_message = None
    cursor.keys_ahead = []
    cursor.phase, cursor.mailbox, cursor.taking = Phase.RECORDING, mailbox, None
    cursor.recorded_at, cursor.speaking_at, cursor.spoken_seconds = run.now, None, 0.0
    _wait(run, node, run.now)
    run.ask(RecordCaller(mailbox=Mailbox(mailbox)))


def _wait(run: Run, node: Record, since: float) -> None:
    """Until when the message may go on, ``since`` when nothing else ended it."""
    cursor = run.cursor
    assert cursor.recorded_at is not None
    longest = cursor.recorded_at + node.max_seconds
    silent = longest if cursor.speaking_at is not None else since + node.silence_seconds
    cursor.deadline = min(longest, silent)


def _stop(run: Run) -> None:
    _sum_up(run, run.now)
    run.cursor.phase, run.cursor.deadline = Phase.SAVING, run.now + CLOSE_SECONDS
    run.ask(StopRecordingCaller())


def _sum_up(run: Run, at: float) -> None:
    cursor = run.cursor
    if cursor.speaking_at is not None:
        cursor.spoken_seconds += max(0.0, at - cursor.speaking_at)
        cursor.speaking_at = None
