"""Legs that are taken back after a restart: their media were kept by a worker, their dialogs by its snapshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from ccplatform.contracts.words import LegId
from gateway.dialling import Dialling
from gateway.errors import SipParseError
from gateway.handing_on import HandingOn
from gateway.leg_sessions import LegSessions
from gateway.leg_state import Leg, command_of
from gateway.leg_table import LegTable
from gateway.sip.dialog_runner import DialogRunner
from gateway.sip.invite_events import Invite
from gateway.sip.service import SipService

_log = structlog.get_logger("legs")


class LegRestorer:
    """``listen`` is told of the dialogs that a leg has again."""

    def __init__(
        self,
        *,
        legs: LegTable,
        sip: SipService,
        dialling: Dialling,
        sessions: LegSessions,
        handing_on: HandingOn,
        listen: Callable[[Leg, DialogRunner], None],
    ) -> None:
        self._legs = legs
        self._sip = sip
        self._dialling = dialling
        self._sessions = sessions
        self._handing_on = handing_on
        self._listen = listen

    def restore(self, leg: LegId, data: dict[str, Any], *, media: bool) -> bool:
        """Take a leg back: its BYE can be sent and answered again; one that rings rings on, and its answer is
        heard; whom a carrier is asked for waits on. False when it cannot be done."""
        if leg in self._legs:
            return False
        handing = data.get("handing")
        try:
            if handing is not None and handing["command"] is not None:
                return self._wait_on(handing)
            if not media:
                return False
            restored = Leg.restore(leg, data, self._sessions)
            digest = self._dialling.account_of(restored.trunk)
            dialogs = [self._sip.restore_dialog(dialog, digest) for dialog in data["dialogs"]]
            if handing is not None:
                self._handing_on.restore(restored, handing)
        except (KeyError, TypeError, ValueError, SipParseError) as error:
            _log.warning("leg cannot be restored", leg=leg, error=repr(error))
            return False
        self._take_back(restored, dialogs)
        return True

    def _wait_on(self, handing: dict[str, Any]) -> bool:
        """Nobody was called yet: there is neither a dialog nor media."""
        command = command_of(handing["command"])
        waits = Leg.dialled(command, self._dialling.device(command.target))
        waits.rang = bool(handing["rang"])
        if not self._handing_on.restore(waits, handing):
            return False
        self._legs.add(waits)
        return True

    def _take_back(self, restored: Leg, dialogs: list[DialogRunner]) -> None:
        self._legs.add(restored)
        if restored.trunk is not None:
            self._dialling.seize_again(restored.trunk, incoming=restored.incoming)
        for dialog in dialogs:
            restored.dialogs.append(dialog)
            self._listen(restored, dialog)
            if restored.contact is not None:
                self._sip.adopt_trace(dialog.call_id, restored.contact, restored.id)
        if not restored.answered:
            for dialog in dialogs:
                dialog.tell(Invite(b""))
