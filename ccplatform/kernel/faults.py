"""Unexpected errors in one line: what it is and where it happened, fit for a log that people read."""

from __future__ import annotations

import traceback

#: Longest message of an error that is shown, characters.
MAX_MESSAGE = 300


def describe(error: BaseException) -> str:
    """``ValueError: no such thing (engine.py:41 in handle)``; the place is the innermost frame."""
    message = " ".join(str(error).split())
    if len(message) > MAX_MESSAGE:
        message = message[: MAX_MESSAGE - 1] + "…"
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return text
    frame = frames[-1]
    return f"{text} ({frame.filename.rpartition('/')[2]}:{frame.lineno} in {frame.name})"
