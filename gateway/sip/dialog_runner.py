"""The shell of one INVITE dialog: its core, its timer, and the two ways out, wire and user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from ccplatform.kernel.clock import Clock
from ccplatform.kernel.core import EffectRunner
from gateway.sip.dialogs import Dialog
from gateway.sip.digest_client import DialogCredentials
from gateway.sip.invite_dialog import InviteDialog
from gateway.sip.invite_events import (
    DialogAck,
    DialogGone,
    DialogNews,
    DialogRequest,
    DialogResponse,
    DialogState,
    InviteEffect,
    InviteEvent,
)
from gateway.sip.replaces import Replaces
from gateway.sip.transaction_layer import LayerEvent, SendAck, SendRequest, SendResponse, ServerKey

DialogName: TypeAlias = tuple[str, str, str]
Guard: TypeAlias = Callable[[Callable[[], None]], None]

_UNANSWERED: Final = (DialogState.OFFERED, DialogState.RINGING)


class DialogRunner:
    """Drives one dialog. ``listener`` hears its news; it may tell it the next command at once.

    ``key`` is (Call-ID, our tag): what requests inside the dialog are found by. ``invite`` is the transaction of
    an INVITE that came in: what its CANCEL is found by.
    """

    def __init__(
        self,
        core: InviteDialog,
        *,
        key: tuple[str, str],
        invite: ServerKey | None,
        send: Callable[[LayerEvent], None],
        gone: Callable[[DialogRunner], None],
        clock: Clock,
        guard: Guard,
    ) -> None:
        self.key = key
        self.invite = invite
        self.listener: Callable[[DialogNews], None] = _ignore
        self._core = core
        self._send = send
        self._gone = gone
        self._credentials = DialogCredentials(core.digest) if core.digest is not None else None
        self._runner: EffectRunner[InviteEvent, InviteEffect] = EffectRunner(core, self._perform, clock, guard)

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return self.key[0]

    @property
    def dialog(self) -> Dialog | None:
        """What it shares with its peer, once both sides know it."""
        return self._core.dialog

    @property
    def unanswered(self) -> bool:
        """Whether it is an INVITE that came in and has no final response."""
        return self._core.state in _UNANSWERED

    def names(self) -> tuple[DialogName, ...]:
        """Call-ID, our tag and the peer's, of each early dialog while it rings: all that others know it by."""
        return tuple((*self.key, tag) for tag in self._core.remote_tags())

    def is_named_by(self, replaces: Replaces) -> bool:
        """Whether it is the dialog that is to be replaced (RFC 3891 section 3)."""
        return any(replaces.matches(*name) for name in self.names())

    def tell(self, event: InviteEvent) -> None:
        """Give the dialog a message or a command."""
        self._runner.post(event)

    def start(self) -> None:
        """Set the timer of a dialog that has just been made."""
        self._runner.rearm()

    def snapshot(self) -> dict[str, Any] | None:
        """What is needed to go on after a restart, None unless the dialog is established."""
        return self._core.snapshot()

    def _perform(self, effect: InviteEffect) -> None:
        match effect:
            case DialogRequest(request, flow):
                if self._credentials is not None:
                    self._credentials.sign(request)
                self._send(SendRequest(request, flow, self))
            case DialogAck(request, flow):
                if self._credentials is not None:
                    self._credentials.sign_ack(request)
                self._send(SendAck(request, flow))
            case DialogResponse(transaction, response):
                self._send(SendResponse(transaction, response))
            case DialogGone():
                self._gone(self)
                self.listener(effect)
            case _:
                self.listener(effect)


def _ignore(_: DialogNews) -> None:
    """Nobody listens yet."""
