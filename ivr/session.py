"""The state of one IVR session, and its form as plain data.

A snapshot holds ages, never instants: every ``*_at`` becomes "so many seconds ago" and is turned back on another
machine, later. Values of secure inputs are left out; a session restored in the middle of one asks again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from ccplatform.contracts.words import Mailbox, RecordingId

SNAPSHOT_VERSION = 5

ConvertedT = TypeVar("ConvertedT")


class Phase(StrEnum):
    """What the session waits for."""

    NEW = "new"
    RENDERING = "rendering"  # the prompt's sound files
    PLAYING = "playing"  # the end of the prompt
    LISTENING = "listening"  # a key
    RECOGNISING = "recognising"  # what he said
    RECORDING = "recording"  # the end of the message that the caller leaves
    SAVING = "saving"  # the file of the message
    WORKING = "working"  # a query, a calendar, a stored call-back, the agents' desk
    TALKING = "talking"  # the end of what a bot and he have to say to each other
    WAITING = "waiting"  # the end of a wait node
    HANDED_ON = "handed_on"  # `calls` has the caller: queue, transfer, echo, conference
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key and when it was let go, monotonic seconds."""

    digit: str
    ended_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """A result that the caller has not heard yet; ``keyed_at`` is the last key of its query."""

    node: str
    source: str
    keyed_at: float
    found: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftMessage:
    """A message that the caller leaves when the session ends."""

    recording: RecordingId
    mailbox: Mailbox
    seconds: float


@dataclass(slots=True, kw_only=True)
class Frame:
    """A flow that waits for the sub-flow that it runs at ``node``, with its own variables and loops."""

    flow: str
    node: str
    variables: dict[str, str]
    secure: set[str]
    loops: dict[str, int]


@dataclass(slots=True, kw_only=True)
class Cursor:
    """Where a session is and what it knows."""

    flow: str = ""  # the sub-flow that runs; '': the session's own
    node: str = ""
    phase: Phase = Phase.NEW
    ticket: int = 0  # of the work or playback waited for; grows, so late answers are recognised
    started_at: float = 0.0
    deadline: float | None = None
    variables: dict[str, str] = field(default_factory=dict)
    collecting_securely: bool = False
    secure: set[str] = field(default_factory=set)  # variables that leave this process nowhere
    loops: dict[str, int] = field(default_factory=dict)  # how often each loop was begun
    frames: list[Frame] = field(default_factory=list)  # the flows that wait for the running sub-flow, inmost last
    language: str = ""  # that was chosen
    steps: int = 0  # nodes entered
    question: int = 0  # of the running survey
    keys_ahead: list[Key] = field(default_factory=list)  # pressed, not yet taken by an input
    typed: list[Key] = field(default_factory=list)  # taken by the running input
    tries: int = 0  # of the running input that were in vain
    silent: bool = False  # the last try ended without a key
    swallow: str = ""  # a terminator that may still follow an input complete by its length
    keyed_at: float | None = None  # the key that completed the last input
    chosen_at: float | None = None  # the same, while the way on from it was the caller's choice
    asked_at: float = 0.0  # the last key before the running query, or its start
    queued_in: str = ""  # the queue that he waits in or waited in last, and since when
    queued_at: float | None = None
    priority: int = 5  # with which he waited
    announced: int = 0  # announcements that he heard there, or that were passed over
    result: QueryResult | None = None
    result_plays: bool = False
    delivered: bool = False  # self-service did what the caller called for
    call_back: bool = False
    beeped: bool = False  # the running record node asked for its beep
    mailbox: str = ""  # whose message is being recorded
    taking: RecordingId | None = None  # the message that is being recorded, or closed
    recorded_at: float | None = None  # since when
    speaking_at: float | None = None  # he speaks, since then
    hearing: int = 0  # of the recogniser that is asked; grows, so late answers are recognised
    hears: bool = False  # it was asked for, and not let go
    deaf: bool = False  # the running speech node has none
    uttered_at: float | None = None  # he said something since then that the recogniser will be asked about
    silent_at: float | None = None  # and fell silent then
    talk: int = 0  # with a bot; grows, so late news are recognised
    talks: bool = False  # it was asked for, and not let go
    talked_at: float | None = None  # since when the bot of the node talks with him
    turns: int = 0  # of that talk
    bot_rate: int = 0  # of the bot's sound
    spoken_seconds: float = 0.0  # in the running message
    gone: bool = False  # the caller left while his message was being recorded
    message: LeftMessage | None = None  # recorded, and left when the session ends
    last_message: RecordingId | None = None  # that a play node plays
    fault: str = ""  # the first system cause that hurt the session
    fell: bool = False  # the flow's own on_error was used; it is not used twice


def snapshot_of(cursor: Cursor, now: float, *, hide_ahead: bool, hide_typed: bool) -> dict[str, Any]:
    """JSON-able data; instants as ages in seconds before ``now``; keys that may be secret can be left out."""

    def age(instant: float | None) -> float | None:
        return None if instant is None else now - instant

    def keys(of: list[Key]) -> list[list[Any]]:
        return [[key.digit, age(key.ended_at)] for key in of]

    data: dict[str, Any] = {
        name: msgspec.to_builtins(getattr(cursor, name)) for name in Cursor.__slots__ if name not in _SPECIAL
    }
    data["v"] = SNAPSHOT_VERSION
    data["variables"] = _open(cursor.variables, cursor.secure)
    data["secure"] = sorted(cursor.secure)
    data["frames"] = [
        {
            "flow": frame.flow,
            "node": frame.node,
            "variables": _open(frame.variables, frame.secure),
            "secure": sorted(frame.secure),
            "loops": dict(frame.loops),
        }
        for frame in cursor.frames
    ]
    data["ages"] = {name: age(getattr(cursor, name)) for name in _INSTANTS}
    data["keys_ahead"] = [] if hide_ahead else keys(cursor.keys_ahead)
    data["typed"] = [] if hide_typed else keys(cursor.typed)
    if cursor.result is not None:
        data["result"] = [
            cursor.result.node,
            cursor.result.source,
            age(cursor.result.keyed_at),
            cursor.result.found,
        ]
    return data


def cursor_from(data: dict[str, Any], now: float) -> Cursor:
    """The cursor of a snapshot; raises ValueError, KeyError or TypeError when it is not one of ours."""
    if data["v"] != SNAPSHOT_VERSION:
        raise ValueError(f"session snapshot of version {data['v']}")

    def instant(age: float | None) -> float | None:
        return None if age is None else now - age

    def keys(of: list[list[Any]]) -> list[Key]:
        return [Key(digit=str(digit), ended_at=now - float(age)) for digit, age in of]

    cursor = Cursor(**{name: data[name] for name in Cursor.__slots__ if name not in _SPECIAL})
    cursor.phase = Phase(data["phase"])
    cursor.variables = {str(name): str(value) for name, value in data["variables"].items()}
    cursor.secure = set(data["secure"])
    cursor.frames = _converted(data["frames"], list[Frame])
    cursor.loops = _converted(data["loops"], dict[str, int])
    cursor.keys_ahead = keys(data["keys_ahead"])
    cursor.typed = keys(data["typed"])
    if data["message"] is not None:
        cursor.message = _converted(data["message"], LeftMessage)
    for name in _INSTANTS:
        setattr(cursor, name, instant(data["ages"][name]))
    if data.get("result") is not None:
        node, source, age, found = data["result"]
        cursor.result = QueryResult(node=node, source=source, keyed_at=now - float(age), found=found)
    return cursor


def _open(variables: dict[str, str], secure: set[str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name not in secure}


def _converted(data: Any, into: type[ConvertedT]) -> ConvertedT:
    try:
        return msgspec.convert(data, type=into)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


_INSTANTS = (
    "started_at",
    "deadline",
    "keyed_at",
    "chosen_at",
    "asked_at",
    "queued_at",
    "recorded_at",
    "speaking_at",
    "uttered_at",
    "silent_at",
    "talked_at",
)
_SPECIAL = frozenset({*_INSTANTS, "variables", "secure", "keys_ahead", "typed", "result", "frames"})
