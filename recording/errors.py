"""Errors of recording.

::

    kernel.Refusal
    ├── RetentionTooShort     recordings must be kept a month at least (R10.1.f)
    ├── StillRecording        the file is not complete yet
    ├── RangeNotSatisfiable   the Range asked for is not in the file, or is several (HTTP 416)
    ├── RecordingsDiffer      what is kept is not what was told of it
    ├── BadCursor             a list cursor that is none of ours (HTTP 400)
    └── MessageMoved          somebody put the message into another mailbox
    kernel.NotFound
    ├── NoRecording           no such recording
    ├── RecordingGone         it was deleted, or its file is missing
    ├── NoComment             no such comment
    ├── NoMessage             no such voice message, or it is in no mailbox any more
    └── NoMailbox             no such mailbox
    kernel.RemoteViolation
    └── BadWave               a file that is not a WAV file
"""

from __future__ import annotations

from ccplatform.kernel.errors import NotFound, Refusal, RemoteViolation


class RetentionTooShort(Refusal):
    """A retention below the month that the standard demands."""

    def __init__(self, days: int, least: int) -> None:
        super().__init__(
            f"recordings are kept {least} days at least (R10.1.f), not {days}", code="retention_too_short"
        )


class StillRecording(Refusal):
    """The talk is still being written."""

    def __init__(self, recording: str) -> None:
        super().__init__(f"recording {recording} is still being written", code="still_recording")


class RecordingsDiffer(Refusal):
    """The verification found something; the message has a line for each."""

    def __init__(self, findings: str) -> None:
        super().__init__(findings, code="recordings_differ")


class RangeNotSatisfiable(Refusal):
    """The bytes asked for are not there; ``size`` is the file's."""

    def __init__(self, message: str, size: int) -> None:
        super().__init__(message, code="range_not_satisfiable")
        self.size = size


class BadCursor(Refusal):
    """The cursor was not given by this list."""

    def __init__(self) -> None:
        super().__init__("the cursor is not one that this list gave", code="bad_request")


class NoRecording(NotFound):
    """There is no such recording."""

    def __init__(self, recording: str) -> None:
        super().__init__(f"no recording {recording}")


class RecordingGone(NotFound):
    """There was one, its audio is no longer there."""

    def __init__(self, recording: str, why: str) -> None:
        super().__init__(f"the audio of recording {recording} is gone: {why}", code="recording_gone")


class BadWave(RemoteViolation):
    """Not a RIFF WAVE file that the media engine could have written."""


class NoComment(NotFound):
    """There is no such comment, or it was taken back."""

    def __init__(self, comment: str) -> None:
        super().__init__(f"no comment {comment}")


class NoMessage(NotFound):
    """There is no such message, or it was deleted."""

    def __init__(self, message: str) -> None:
        super().__init__(f"no voice message {message}")


class NoMailbox(NotFound):
    """There is no such queue or agent."""

    def __init__(self, mailbox: str) -> None:
        super().__init__(f"no mailbox {mailbox!r}: it is queue:<id> or agent:<id>")


class MessageMoved(Refusal):
    """It is somebody else's work by now."""

    def __init__(self, message: str, mailbox: str) -> None:
        super().__init__(f"message {message} was handed out to {mailbox}", code="message_moved")
