"""What of libpri 1.6 is used, for ctypes: functions, and the layout of its events (``libpri.h``).

The layout is that of the ABI of ``libpri.so.1.4``; :func:`load` refuses versions it was not checked against.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from ctypes import CFUNCTYPE, POINTER, Structure, Union, c_char, c_char_p, c_int, c_long, c_ubyte, c_void_p
from typing import Any, Final

#: The library, as the dynamic linker knows it.
SONAME: Final = "libpri.so.1.4"
#: Versions whose header has this layout.
VERSIONS: Final = ("1.6.",)

NETWORK, USER = 1, 2
EUROISDN_E1: Final = 5
T309: Final = b"T309"

IO = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
MESSAGE = CFUNCTYPE(None, c_void_p, c_void_p)


class NoLibpri(Exception):
    """libpri is not installed, or is of a version that is not known."""


class Subaddress(Structure):
    """``struct pri_party_subaddress``."""

    _fields_ = [
        ("valid", c_int),
        ("type", c_int),
        ("odd_even_indicator", c_int),
        ("length", c_int),
        ("data", c_ubyte * 32),
    ]


class Name(Structure):
    """``struct pri_party_name``."""

    _fields_ = [("valid", c_int), ("presentation", c_int), ("char_set", c_int), ("str", c_char * 64)]


class Number(Structure):
    """``struct pri_party_number``."""

    _fields_ = [("valid", c_int), ("presentation", c_int), ("plan", c_int), ("str", c_char * 64)]


class Party(Structure):
    """``struct pri_party_id``."""

    _fields_ = [("name", Name), ("number", Number), ("subaddress", Subaddress)]


class ErrorEvent(Structure):
    """``pri_event_error``."""

    _fields_ = [("e", c_int), ("err", c_char * 256)]


class Restart(Structure):
    """``pri_event_restart`` and ``pri_event_restart_ack``."""

    _fields_ = [("e", c_int), ("channel", c_int)]


class Answer(Structure):
    """``pri_event_answer`` and ``pri_event_ringing``."""

    _fields_ = [
        ("e", c_int),
        ("channel", c_int),
        ("cref", c_int),
        ("progress", c_int),
        ("progressmask", c_int),
        ("call", c_void_p),
        ("useruserinfo", c_char * 260),
        ("subcmds", c_void_p),
    ]


class Ring(Structure):
    """``pri_event_ring``."""

    _fields_ = [
        ("e", c_int),
        ("channel", c_int),
        ("callingpres", c_int),
        ("callingplanani", c_int),
        ("callingplan", c_int),
        ("callingani", c_char * 256),
        ("callingnum", c_char * 256),
        ("callingname", c_char * 256),
        ("calledplan", c_int),
        ("ani2", c_int),
        ("callednum", c_char * 256),
        ("redirectingnum", c_char * 256),
        ("redirectingname", c_char * 256),
        ("redirectingreason", c_int),
        ("callingplanrdnis", c_int),
        ("useruserinfo", c_char * 260),
        ("flexible", c_int),
        ("cref", c_int),
        ("ctype", c_int),
        ("layer1", c_int),
        ("complete", c_int),
        ("call", c_void_p),
        ("callingsubaddr", c_char * 256),
        ("progress", c_int),
        ("progressmask", c_int),
        ("origcalledname", c_char * 256),
        ("origcallednum", c_char * 256),
        ("callingplanorigcalled", c_int),
        ("origredirectingreason", c_int),
        ("reversecharge", c_int),
        ("subcmds", c_void_p),
        ("calling", Party),
        ("called_subaddress", Subaddress),
        ("keypad_digits", c_char * 64),
    ]


class Hangup(Structure):
    """``pri_event_hangup``."""

    _fields_ = [
        ("e", c_int),
        ("channel", c_int),
        ("cause", c_int),
        ("cref", c_int),
        ("call", c_void_p),
        ("aoc_units", c_long),
        ("useruserinfo", c_char * 260),
        ("subcmds", c_void_p),
        ("call_held", c_void_p),
        ("call_active", c_void_p),
    ]


class Proceeding(Structure):
    """``pri_event_proceeding``, also of PROGRESS."""

    _fields_ = [
        ("e", c_int),
        ("channel", c_int),
        ("cref", c_int),
        ("progress", c_int),
        ("progressmask", c_int),
        ("cause", c_int),
        ("call", c_void_p),
        ("subcmds", c_void_p),
    ]


class SetupAck(Structure):
    """``pri_event_setup_ack``."""

    _fields_ = [
        ("e", c_int),
        ("channel", c_int),
        ("call", c_void_p),
        ("subcmds", c_void_p),
        ("progressmask", c_int),
    ]


class Notify(Structure):
    """``pri_event_notify``."""

    _fields_ = [("e", c_int), ("channel", c_int), ("info", c_int), ("subcmds", c_void_p), ("call", c_void_p)]


class Keypad(Structure):
    """``pri_event_keypad_digit``."""

    _fields_ = [
        ("e", c_int),
        ("channel", c_int),
        ("call", c_void_p),
        ("digits", c_char * 64),
        ("subcmds", c_void_p),
    ]


class Hold(Structure):
    """``struct pri_event_hold``, ``_hold_ack``, ``_retrieve_ack`` and ``_connect_ack``."""

    _fields_ = [("e", c_int), ("channel", c_int), ("call", c_void_p), ("subcmds", c_void_p)]


class HoldRejected(Structure):
    """``struct pri_event_hold_rej`` and ``_retrieve_rej``; of ``_retrieve`` the last word is another."""

    _fields_ = [("e", c_int), ("channel", c_int), ("call", c_void_p), ("cause", c_int), ("subcmds", c_void_p)]


class Facility(Structure):
    """``struct pri_event_facility``; ``subcmds`` points to a :class:`Subcommands`."""

    _fields_ = [
        ("e", c_int),
        ("callingname", c_char * 256),
        ("callingnum", c_char * 256),
        ("channel", c_int),
        ("cref", c_int),
        ("call", c_void_p),
        ("callingpres", c_int),
        ("callingplan", c_int),
        ("subcmds", c_void_p),
        ("subcall", c_void_p),
    ]


class Transfer(Structure):
    """``struct pri_subcmd_transfer``."""

    _fields_ = [
        ("call_1", c_void_p),
        ("call_2", c_void_p),
        ("is_call_1_held", c_int),
        ("is_call_2_held", c_int),
        ("invoke_id", c_int),
    ]


class Subcommands(Structure):
    """``struct pri_subcommands`` up to the first of them, which has the alignment of a pointer."""

    _fields_ = [("count", c_int), ("_", c_int), ("cmd", c_int), ("__", c_int), ("transfer", Transfer)]


class Event(Union):
    """``pri_event``."""

    _fields_ = [
        ("e", c_int),
        ("err", ErrorEvent),
        ("restart", Restart),
        ("answer", Answer),
        ("ring", Ring),
        ("hangup", Hangup),
        ("proceeding", Proceeding),
        ("setup_ack", SetupAck),
        ("notify", Notify),
        ("keypad", Keypad),
        ("hold", Hold),
        ("hold_rejected", HoldRejected),
        ("facility", Facility),
    ]


class Timeval(Structure):
    """``struct timeval``."""

    _fields_ = [("tv_sec", c_long), ("tv_usec", c_long)]


_P, _I, _S = c_void_p, c_int, c_char_p
#: name → (result, arguments)
_FUNCTIONS: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "pri_get_version": (_S, ()),
    "pri_set_message": (None, (MESSAGE,)),
    "pri_set_error": (None, (MESSAGE,)),
    "pri_new_cb": (_P, (_I, _I, _I, IO, IO, _P)),
    "pri_set_overlapdial": (None, (_P, _I)),
    "pri_hangup_fix_enable": (None, (_P, _I)),
    "pri_hold_enable": (None, (_P, _I)),
    "pri_persistent_layer2_option": (None, (_P, _I)),
    "pri_timer2idx": (_I, (_S,)),
    "pri_set_timer": (_I, (_P, _I, _I)),
    "pri_check_event": (POINTER(Event), (_P,)),
    "pri_schedule_next": (POINTER(Timeval), (_P,)),
    "pri_schedule_run": (POINTER(Event), (_P,)),
    "pri_new_call": (_P, (_P,)),
    "pri_sr_new": (_P, ()),
    "pri_sr_free": (None, (_P,)),
    "pri_sr_set_channel": (_I, (_P, _I, _I, _I)),
    "pri_sr_set_bearer": (_I, (_P, _I, _I)),
    "pri_sr_set_called": (_I, (_P, _S, _I, _I)),
    "pri_sr_set_caller": (_I, (_P, _S, _S, _I, _I)),
    "pri_sr_set_redirecting": (_I, (_P, _S, _I, _I, _I)),
    "pri_setup": (_I, (_P, _P, _P)),
    "pri_information": (_I, (_P, _P, c_char)),
    "pri_setup_ack": (_I, (_P, _P, _I, _I, _I)),
    "pri_proceeding": (_I, (_P, _P, _I, _I)),
    "pri_acknowledge": (_I, (_P, _P, _I, _I)),
    "pri_progress": (_I, (_P, _P, _I, _I)),
    "pri_progress_with_cause": (_I, (_P, _P, _I, _I, _I)),
    "pri_answer": (_I, (_P, _P, _I, _I)),
    "pri_hangup": (_I, (_P, _P, _I)),
    "pri_reset": (_I, (_P, _I)),
    "pri_restart": (_I, (_P,)),
    "pri_hold": (_I, (_P, _P)),
    "pri_hold_ack": (_I, (_P, _P)),
    "pri_hold_rej": (_I, (_P, _P, _I)),
    "pri_retrieve": (_I, (_P, _P, _I)),
    "pri_retrieve_ack": (_I, (_P, _P, _I)),
    "pri_retrieve_rej": (_I, (_P, _P, _I)),
    "pri_transfer_enable": (None, (_P, _I)),
    "pri_channel_bridge": (_I, (_P, _P)),
    "pri_transfer_rsp": (_I, (_P, _P, _I, _I)),
}


def load() -> Any:
    """The library with its functions declared; raises NoLibpri."""
    try:
        library = ctypes.CDLL(SONAME)
    except OSError as error:
        raise NoLibpri(f"{SONAME} is not there (Debian: apt-get install libpri1.4): {error}") from error
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    version = library.pri_get_version().decode()
    if not version.startswith(VERSIONS):
        raise NoLibpri(f"libpri {version}: the layout of its events is known of {', '.join(VERSIONS)} only")
    return library
