"""One ISDN layer 2 and 3, by libpri: frames and commands in, frames and events out, as plain data."""

from __future__ import annotations

import ctypes
import itertools
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from gateway.isdn.pri import libpri
from gateway.isdn.pri.libpri import Event

#: Longest Q.931 message (Q.921 N201) with addresses, control and check sequence, octets.
MAX_FRAME: Final = 266
MAX_DIGITS: Final = 32
#: What is sent for causes that libpri cannot end a call by (Q.850 has them for single messages only).
NEAREST: Final = {6: 44, 7: 16, 26: 16, 81: 95}
_ALAW: Final = 0x23
#: PRI_PROG_CALL_NOT_E2E_ISDN and PRI_PROG_INBAND_AVAILABLE, as masks of pri_progress and of events.
_INBAND: Final = 1 << 3
_KEEP_UP: Final = 1
_EXPLICIT_ANY: Final = -1

_SIMPLE: Final = {1: "up", 2: "down"}


class BadCommand(Exception):
    """A command that makes no sense; nothing was sent."""


class Stack:
    """``side`` is "user" or "network". ``send`` takes frames for the other side, without check sequence;
    ``tell`` takes events. Calls have names: ours those that ``call`` gave, theirs ``in-1``, ``in-2`` …"""

    def __init__(
        self,
        side: str,
        *,
        send: Callable[[bytes], None],
        tell: Callable[[dict[str, Any]], None],
        overlap: bool = False,
        timers: dict[str, int] | None = None,
    ) -> None:
        if side not in ("user", "network"):
            raise BadCommand(f"a side is user or network, not {side!r}")
        self._pri = pri = libpri.load()
        self._send, self._tell = send, tell
        self._arrived: deque[bytes] = deque()
        self._calls: dict[str, int] = {}  # name → q931_call
        self._names: dict[int, str] = {}
        self._unanswered: dict[str, int] = {}  # their calls of which we said nothing yet, with their channels
        self._unheard: dict[
            str, int
        ] = {}  # our calls of which nothing was heard yet; the cause to end them by, or 0
        self._ending: set[str] = set()  # calls that the other side disconnected
        self._numbers = itertools.count(1)
        # Callbacks live as long as the controller, which is never freed: libpri has no function for that.
        self._callbacks = (
            libpri.IO(self._read),
            libpri.IO(self._write),
            libpri.MESSAGE(lambda _controller, _text: None),
        )
        read, write, quiet = self._callbacks
        pri.pri_set_message(quiet)
        pri.pri_set_error(quiet)
        node = libpri.USER if side == "user" else libpri.NETWORK
        self._controller = c = pri.pri_new_cb(-1, node, libpri.EUROISDN_E1, read, write, None)
        pri.pri_hangup_fix_enable(c, 1)
        pri.pri_hold_enable(c, 1)
        pri.pri_persistent_layer2_option(c, _KEEP_UP)
        pri.pri_transfer_enable(c, int(side == "network"))
        pri.pri_set_overlapdial(c, int(overlap))
        for name, milliseconds in (timers or {}).items():
            index = pri.pri_timer2idx(name.encode())
            if index < 0 or not 0 <= milliseconds <= 3_600_000:
                raise BadCommand(f"no timer {name!r} of {milliseconds} ms")
            pri.pri_set_timer(c, index, milliseconds)

    @property
    def version(self) -> str:
        """Of libpri."""
        return str(self._pri.pri_get_version().decode())

    @property
    def calls(self) -> tuple[str, ...]:
        """The names of those that are not released."""
        return tuple(self._calls)

    # --- in -----------------------------------------------------------------------------------------------

    def frame(self, data: bytes) -> None:
        """A frame came from the other side, without check sequence."""
        if len(data) <= MAX_FRAME:
            self._arrived.append(data)
        while self._arrived:
            self._event(self._pri.pri_check_event(self._controller))

    def next_due(self) -> float | None:
        """When :meth:`run_timers` is wanted: seconds of ``time.time()``; None: no timer runs."""
        due = self._pri.pri_schedule_next(self._controller)
        return due.contents.tv_sec + due.contents.tv_usec / 1e6 if due else None

    def run_timers(self) -> None:
        """Let the timers that are due expire."""
        while (due := self.next_due()) is not None and due <= time.time():
            self._event(self._pri.pri_schedule_run(self._controller))

    def command(self, what: dict[str, Any]) -> None:
        """Do what ``what["command"]`` names; raises BadCommand."""
        action = _COMMANDS.get(str(what.get("command")))
        if action is None:
            raise BadCommand(f"no command {what.get('command')!r}")
        try:
            action(self, what)
        except (KeyError, TypeError, ValueError) as error:
            raise BadCommand(f"{what.get('command')}: {type(error).__name__} {error}") from error

    def _read(self, _controller: int, buffer: int, length: int) -> int:
        if not self._arrived:
            return 0
        data = self._arrived.popleft() + b"\0\0"  # libpri expects the check sequence that the driver verified
        if len(data) > length:
            return 0
        ctypes.memmove(buffer, data, len(data))
        return len(data)

    def _write(self, _controller: int, buffer: int, length: int) -> int:
        self._send(ctypes.string_at(buffer, length - 2))
        return length

    # --- commands -----------------------------------------------------------------------------------------

    def _call(self, what: dict[str, Any]) -> None:
        name, pri = str(what["call"]), self._pri
        if name in self._calls:
            raise ValueError(f"there is a call {name!r} already")
        called, caller = _digits(what["called"]), what.get("caller")
        channel = _channel(what["channel"])
        call = pri.pri_new_call(self._controller)
        if not call:
            raise ValueError("libpri has no room for a call")
        request = pri.pri_sr_new()
        try:
            pri.pri_sr_set_channel(request, channel, int(bool(what.get("exclusive"))), 0)
            pri.pri_sr_set_bearer(request, int(what.get("bearer", 0)), _ALAW)
            pri.pri_sr_set_called(
                request, called, int(what.get("called_plan", 0)), int(what.get("complete", True))
            )
            if caller is not None:
                plan, presentation = int(what.get("caller_plan", 0)), int(what.get("presentation", 1))
                pri.pri_sr_set_caller(request, _digits(caller), None, plan, presentation)
            if what.get("redirecting"):
                pri.pri_sr_set_redirecting(
                    request,
                    _digits(what["redirecting"]),
                    int(what.get("redirecting_plan", 0)),
                    int(what.get("redirecting_presentation", 0)),
                    int(what.get("redirecting_reason", 0)),
                )
            self._keep(name, call)
            self._unheard[name] = 0
            if pri.pri_setup(self._controller, call, request) != 0:
                self._forget(name)
                raise ValueError("libpri did not send the SETUP")
        finally:
            pri.pri_sr_free(request)

    def _digits(self, what: dict[str, Any]) -> None:
        call = self._calls[what["call"]]
        for digit in _digits(what["digits"]):
            self._pri.pri_information(self._controller, call, bytes((digit,)))

    def _setup_ack(self, what: dict[str, Any]) -> None:
        inband = int(bool(what.get("inband")))
        self._pri.pri_setup_ack(self._controller, *self._call_and_channel(what), 0, inband)

    def _proceeding(self, what: dict[str, Any]) -> None:
        self._pri.pri_proceeding(self._controller, *self._call_and_channel(what), int(bool(what.get("inband"))))

    def _alerting(self, what: dict[str, Any]) -> None:
        self._pri.pri_acknowledge(self._controller, *self._call_and_channel(what), int(bool(what.get("inband"))))

    def _progress(self, what: dict[str, Any]) -> None:
        call, channel = self._call_and_channel(what)
        if what.get("cause"):
            self._pri.pri_progress_with_cause(self._controller, call, channel, 1, _cause(what["cause"]))
        else:
            self._pri.pri_progress(self._controller, call, channel, 1)

    def _connect(self, what: dict[str, Any]) -> None:
        self._pri.pri_answer(self._controller, *self._call_and_channel(what), 0)

    def _hangup(self, what: dict[str, Any]) -> None:
        """End a call in whatever state it is; one that is gone already is no error: both sides may hang up.

        libpri answers a SETUP by RELEASE COMPLETE for some causes and by nothing for the others, so that those
        calls are proceeding first. Of RELEASE COMPLETE it tells nothing. Of an end before anything was heard of a
        call of ours it sends nothing either: that waits for the first message (T303 ends the wait). Calls that end
        by the causes of :data:`NEAREST` it forgets before the other side has released them: the nearest cause is
        sent instead.
        """
        name, cause = str(what["call"]), _cause(what["cause"])
        call = self._calls.get(name)
        if call is None:
            return
        if name in self._ending:
            self._pri.pri_hangup(self._controller, call, _NORMAL)
            return
        if name in self._unheard:
            self._unheard[name] = cause
            return
        channel = self._unanswered.pop(name, None)
        if channel is None or cause not in _REFUSALS:
            cause = NEAREST.get(cause, cause)
        refused = channel is not None and cause in _REFUSALS
        if channel is not None and not refused:
            self._pri.pri_proceeding(self._controller, call, channel, 0)
        self._pri.pri_hangup(self._controller, call, cause)
        if refused:
            self._say("release", call, 0, cause=cause)
            self._forget(name)

    def _restart(self, what: dict[str, Any]) -> None:
        self._pri.pri_reset(self._controller, _channel(what["channel"]))

    def _hold(self, what: dict[str, Any]) -> None:
        self._pri.pri_hold(self._controller, self._calls[what["call"]])

    def _hold_ack(self, what: dict[str, Any]) -> None:
        self._pri.pri_hold_ack(self._controller, self._calls[what["call"]])

    def _hold_reject(self, what: dict[str, Any]) -> None:
        self._pri.pri_hold_rej(self._controller, self._calls[what["call"]], _cause(what["cause"]))

    def _retrieve(self, what: dict[str, Any]) -> None:
        self._pri.pri_retrieve(self._controller, *self._call_and_channel(what))

    def _retrieve_ack(self, what: dict[str, Any]) -> None:
        self._pri.pri_retrieve_ack(self._controller, *self._call_and_channel(what))

    def _retrieve_reject(self, what: dict[str, Any]) -> None:
        self._pri.pri_retrieve_rej(self._controller, self._calls[what["call"]], _cause(what["cause"]))

    def _transfer(self, what: dict[str, Any]) -> None:
        """Have the network join two calls of ours (explicit call transfer, EN 300 369-1): it ends both when it
        did. A refusal is not told by libpri."""
        if self._pri.pri_channel_bridge(self._calls[what["call"]], self._calls[what["to"]]) != 0:
            raise ValueError("libpri does not ask for that")

    def _transfer_answer(self, what: dict[str, Any]) -> None:
        call, joined = self._calls[what["call"]], int(bool(what["joined"]))
        self._pri.pri_transfer_rsp(self._controller, call, int(what["invoke"]), joined)

    def _call_and_channel(self, what: dict[str, Any]) -> tuple[int, int]:
        call = self._calls[what["call"]]
        self._unanswered.pop(what["call"], None)
        return call, _channel(what.get("channel", 0))

    def _keep(self, name: str, call: int) -> None:
        self._calls[name], self._names[call] = call, name

    def _forget(self, name: str) -> None:
        self._names.pop(self._calls.pop(name, 0), None)
        self._unanswered.pop(name, None)
        self._unheard.pop(name, None)
        self._ending.discard(name)

    # --- out ----------------------------------------------------------------------------------------------

    def _event(self, found: Any) -> None:
        if not found:
            return
        event: Event = found.contents
        if event.e in _SIMPLE:
            self._tell({"event": _SIMPLE[event.e]})
        elif event.e in _EVENTS:
            _EVENTS[event.e](self, event)

    def _say(self, what: str, call: int, channel: int, **more: Any) -> None:
        name = self._names.get(call)
        if name is not None:
            self._tell({"event": what, "call": name, "channel": channel & 0xFF if channel > 0 else 0, **more})

    def _ring(self, event: Event) -> None:
        ring = event.ring
        gone = self._names.get(ring.call)
        if gone is not None:  # libpri forgot a call without a word, and another one lies where it lay
            self._say("release", ring.call, 0, cause=_NORMAL)
            self._forget(gone)
        name = f"in-{next(self._numbers)}"
        self._keep(name, ring.call)
        self._unanswered[name] = ring.channel & 0xFF if ring.channel > 0 else 0
        self._say(
            "setup",
            ring.call,
            ring.channel,
            exclusive=not ring.flexible,
            caller=_text(ring.callingnum),
            caller_name=_text(ring.callingname),
            caller_plan=ring.callingplan,
            presentation=ring.callingpres,
            called=_text(ring.callednum),
            called_plan=ring.calledplan,
            complete=bool(ring.complete),
            redirecting=_text(ring.redirectingnum),
            redirecting_reason=ring.redirectingreason,
            redirecting_plan=ring.callingplanrdnis,
            bearer=ring.ctype,
        )

    def _info(self, event: Event) -> None:
        ring = event.ring
        self._say("digits", ring.call, ring.channel, digits=_text(ring.callednum), complete=bool(ring.complete))

    def _keypad(self, event: Event) -> None:
        keypad = event.keypad
        self._say("keypad", keypad.call, keypad.channel, digits=_text(keypad.digits))

    def _heard(self, call: int) -> None:
        """The first message of a call that we made came: now it can be ended."""
        name = self._names.get(call, "")
        cause = self._unheard.pop(name, 0)
        if cause:
            self._pri.pri_hangup(self._controller, call, cause)

    def _setup_acknowledged(self, event: Event) -> None:
        told = event.setup_ack
        self._heard(told.call)
        self._say("setup_ack", told.call, told.channel, inband=bool(told.progressmask & _INBAND))

    def _proceeds(self, event: Event) -> None:
        told = event.proceeding
        what = "proceeding" if event.e == _PROCEEDING else "progress"
        self._heard(told.call)
        self._say(what, told.call, told.channel, inband=bool(told.progressmask & _INBAND))

    def _rings(self, event: Event) -> None:
        told = event.answer
        self._heard(told.call)
        self._say("alerting", told.call, told.channel, inband=bool(told.progressmask & _INBAND))

    def _answered(self, event: Event) -> None:
        self._heard(event.answer.call)
        self._say("connect", event.answer.call, event.answer.channel)

    def _disconnected(self, event: Event) -> None:
        """The other side wants an end: the call is still to be hung up."""
        told = event.hangup
        self._unheard.pop(self._names.get(told.call, ""), None)
        self._ending.add(self._names.get(told.call, ""))
        self._say("disconnect", told.call, told.channel, cause=told.cause & 0x7F)

    def _released(self, event: Event) -> None:
        told = event.hangup
        self._say("release", told.call, told.channel, cause=told.cause & 0x7F)
        name = self._names.get(told.call)
        if name is None:
            return
        self._pri.pri_hangup(self._controller, told.call, told.cause)
        self._forget(name)

    def _restarted(self, event: Event) -> None:
        channel = event.restart.channel
        what = "restart" if event.e == _RESTART else "restart_ack"
        self._tell({"event": what, "channel": 0 if channel == _EXPLICIT_ANY else channel & 0xFF})

    def _notified(self, event: Event) -> None:
        self._say("notify", event.notify.call, event.notify.channel, info=event.notify.info)

    def _facility(self, event: Event) -> None:
        """The other side wants two of its calls joined; the rest of what FACILITY carries is not looked at."""
        told = event.facility
        if not told.subcmds:
            return
        first = libpri.Subcommands.from_address(told.subcmds)
        wanted = first.transfer
        names = [self._names.get(call) for call in (wanted.call_1, wanted.call_2)] if first.count > 0 else []
        if first.cmd == _TRANSFER_CALL and None not in names and len(names) == 2:
            self._tell({"event": "transfer", "call": names[0], "to": names[1], "invoke": wanted.invoke_id})

    def _held(self, event: Event) -> None:
        self._say(_HOLDS[event.e], event.hold.call, event.hold.channel)

    def _hold_rejected(self, event: Event) -> None:
        told = event.hold_rejected
        self._say(_HOLDS[event.e], told.call, told.channel, cause=told.cause & 0x7F)


_RESTART, _PROCEEDING, _NORMAL = 3, 13, 16
#: PRI_SUBCMD_TRANSFER_CALL.
_TRANSFER_CALL: Final = 17
#: Causes of a RELEASE COMPLETE in answer to a SETUP.
_REFUSALS: Final = frozenset({1, 34, 44, 81, 82, 88})
_HOLDS: Final = {
    21: "hold",
    22: "hold_ack",
    23: "hold_reject",
    24: "retrieve",
    25: "retrieve_ack",
    26: "retrieve_reject",
    27: "connect_ack",
}
_EVENTS: Final[dict[int, Callable[[Stack, Event], None]]] = {
    3: Stack._restarted,
    5: Stack._ring,
    6: Stack._released,
    7: Stack._rings,
    8: Stack._answered,
    9: Stack._released,
    10: Stack._restarted,
    11: Stack._facility,
    12: Stack._info,
    13: Stack._proceeds,
    14: Stack._setup_acknowledged,
    15: Stack._disconnected,
    16: Stack._notified,
    17: Stack._proceeds,
    18: Stack._keypad,
    21: Stack._held,
    22: Stack._held,
    23: Stack._hold_rejected,
    24: Stack._held,
    25: Stack._held,
    26: Stack._hold_rejected,
    27: Stack._held,
}
_COMMANDS: Final[dict[str, Callable[[Stack, dict[str, Any]], None]]] = {
    "call": Stack._call,
    "digits": Stack._digits,
    "setup_ack": Stack._setup_ack,
    "proceeding": Stack._proceeding,
    "alerting": Stack._alerting,
    "progress": Stack._progress,
    "connect": Stack._connect,
    "hangup": Stack._hangup,
    "restart": Stack._restart,
    "hold": Stack._hold,
    "hold_ack": Stack._hold_ack,
    "hold_reject": Stack._hold_reject,
    "retrieve": Stack._retrieve,
    "retrieve_ack": Stack._retrieve_ack,
    "retrieve_reject": Stack._retrieve_reject,
    "transfer": Stack._transfer,
    "transfer_answer": Stack._transfer_answer,
}


def _digits(value: Any) -> bytes:
    text = str(value)
    if len(text) > MAX_DIGITS or not set(text) <= set("0123456789*#+"):
        raise ValueError(f"{text[:40]!r} is no number of at most {MAX_DIGITS} digits")
    return text.lstrip("+").encode()


def _cause(value: Any) -> int:
    cause = int(value)
    if not 1 <= cause <= 127:
        raise ValueError(f"there is no cause {cause}")
    return cause


def _channel(value: Any) -> int:
    channel = int(value)
    if not 0 <= channel <= 31 or channel == 16:
        raise ValueError(f"there is no bearer channel {channel}")
    return channel


def _text(value: bytes) -> str:
    with suppress(UnicodeDecodeError):
        return value.decode("ascii")
    return value.decode("latin-1")
