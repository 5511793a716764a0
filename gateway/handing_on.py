"""Callers whom their carrier connects by itself, where their trunk wants it: asked by REFER in their dialog.

A number is asked for before it is dialled (blind): the leg that was to be dialled waits, without a dialog, for
what the carrier tells. Somebody who is there already is asked for with Replaces (attended, RFC 5589 section 7),
while the two talk through us. Where the carrier refuses, or says nothing, we dial, or go on as we are. A caller is
asked for once: his carrier has said what it can.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import structlog

from ccplatform.contracts.facts import CallerReferred
from ccplatform.contracts.legs import DialLeg, HandOn, LegEvent, LegReferred, LegRinging, SeatTarget, TrunkTarget
from ccplatform.contracts.ports import Facts
from ccplatform.contracts.words import LegId
from ccplatform.kernel.clock import Clock
from gateway.dialling import Dialling
from gateway.leg_state import Handing, Leg
from gateway.leg_table import LegTable
from gateway.sip.dialogs import Dialog
from gateway.sip.invite_events import Refer, ReferProgress
from gateway.sip.trunk import Trunk, TrunkState, TrunkTransfer
from gateway.sip.trunk_call import party_of_carrier

#: How long a carrier may take to answer REFER, and then to tell something: as long as a server for an INVITE.
SILENCE_SECONDS: Final = 6.0
#: How long the connection of two that talk through us may take it, seconds.
ATTENDED_SECONDS: Final = 32.0
#: The statuses of facts that no message brought.
_LEFT, _SILENT, _GIVEN_UP, _DONE = 0, 408, 487, 200

_log = structlog.get_logger("legs")


class HandingOn:
    """REFERs to carriers. ``dial`` calls a party after all, ``tell`` hears what the carrier did."""

    def __init__(
        self,
        *,
        legs: LegTable,
        dialling: Dialling,
        clock: Clock,
        facts: Facts,
        tell: Callable[[LegEvent], None],
        dial: Callable[[Leg, DialLeg], None],
    ) -> None:
        self._legs = legs
        self._dialling = dialling
        self._clock = clock
        self._facts = facts
        self._tell = tell
        self._dial = dial

    def instead(self, party: Leg, command: DialLeg) -> bool:
        """Ask the carrier for whom ``party`` was to be dialled; False: it is ours to dial."""
        caller, target = self._asked(command.transfers), command.target
        if caller is None or isinstance(target, SeatTarget) or self._dialling.is_emergency(target.number):
            return False
        leg, trunk, dialog = caller
        if isinstance(target, TrunkTarget) and target.trunk != trunk.id:
            return False
        handing = Handing(to=party, number=target.number, command=command)
        self._refer(leg, f"<{party_of_carrier(trunk, target.number, dialog.flow)}>", handing, SILENCE_SECONDS)
        return True

    def join(self, command: HandOn) -> None:
        """Ask the carrier to connect two of its own."""
        caller, other = self._asked(command.leg), self._legs.get(command.to)
        if caller is None or other is None or other.ended or len(other.dialogs) != 1:
            return
        (leg, trunk, _), named = caller, other.dialogs[0].dialog
        if named is None or other.trunk != trunk.id:
            return
        handing = Handing(to=other, number=other.device)
        self._refer(leg, f"<{_replacing(named)}>", handing, ATTENDED_SECONDS)

    def progress(self, caller: Leg, progress: ReferProgress) -> None:
        """What the carrier of a caller tells."""
        handing = caller.handing
        if handing is None:
            return
        if progress.status >= 300:
            self._failed(caller, handing, progress.status)
        elif progress.status >= 200:
            self._over(caller, handing, _DONE)
            self._tell(LegReferred(leg=caller.id, to=handing.to.id))
        elif handing.command is not None:
            self._listen_on(caller, handing, None if progress.told else SILENCE_SECONDS)
            if progress.status > 100 and not handing.to.rang:
                handing.to.rang = True
                self._tell(LegRinging(leg=handing.to.id, device=handing.to.device))

    def ended(self, leg: Leg) -> None:
        """A leg is over: who was asked for nobody any more, or whom nobody is asked for."""
        if leg.handing is not None:
            self._over(leg, leg.handing, _LEFT)
        for caller in self._legs.of_call(leg.call):
            if caller.handing is not None and caller.handing.to is leg:
                self._over(caller, caller.handing, _GIVEN_UP)

    def snapshot(self, leg: Leg) -> dict[str, Any] | None:
        """What is kept of the REFER that asks for this leg; None: none does."""
        for caller in self._legs.of_call(leg.call):
            if caller.handing is not None and caller.handing.to is leg:
                return caller.handing.snapshot(caller.id)
        return None

    def restore(self, leg: Leg, data: dict[str, Any]) -> bool:
        """After a restart: the carrier has as long as at first for what it tells next. False when nobody is there
        whose carrier it is."""
        caller = self._legs.get(LegId(data["caller"]))
        if caller is None:
            return False
        caller.handing = handing = Handing.restore(leg, data)
        seconds = ATTENDED_SECONDS if handing.attended else SILENCE_SECONDS
        self._listen_on(caller, handing, None if data["told"] and not handing.attended else seconds)
        return True

    def _asked(self, name: LegId | None) -> tuple[Leg, Trunk, Dialog] | None:
        """The caller of that name, whose trunk wants its carrier to be asked and who was not asked for yet."""
        leg = self._legs.get(name) if name is not None else None
        if leg is None or leg.trunk is None or not leg.answered or leg.ended or leg.referred or not leg.dialogs:
            return None
        trunk, dialog = self._dialling.trunk(leg.trunk), leg.dialogs[0].dialog
        if trunk is None or trunk.transfer is not TrunkTransfer.REFER or trunk.state is TrunkState.ISOLATED:
            return None
        return (leg, trunk, dialog) if dialog is not None and leg.contact is not None else None

    def _refer(self, caller: Leg, to: str, handing: Handing, seconds: float) -> None:
        _log.info("carrier asked to connect", leg=caller.id, trunk=caller.trunk, attended=handing.attended)
        caller.referred, caller.handing = True, handing
        self._listen_on(caller, handing, seconds)
        caller.dialogs[0].tell(Refer(to))

    def _listen_on(self, caller: Leg, handing: Handing, seconds: float | None) -> None:
        """The carrier has so long for what it tells next."""
        handing.stop_limit()
        if seconds is not None:
            limit = self._clock.now() + seconds
            handing.limit = self._clock.call_at(limit, lambda: self._failed(caller, handing, _SILENT))

    def _failed(self, caller: Leg, handing: Handing, status: int) -> None:
        if caller.handing is not handing:
            return
        self._over(caller, handing, status)
        if handing.command is not None and not handing.to.ended:
            self._dial(handing.to, handing.command)

    def _over(self, caller: Leg, handing: Handing, status: int) -> None:
        handing.stop_limit()
        caller.handing = None
        assert caller.contact is not None
        assert caller.trunk is not None
        _log.info("carrier asked to connect said", leg=caller.id, trunk=caller.trunk, status=status)
        self._facts.record(
            CallerReferred(
                contact=caller.contact,
                leg=caller.id,
                trunk=caller.trunk,
                to=handing.number,
                attended=handing.attended,
                status=status,
            )
        )


def _replacing(dialog: Dialog) -> str:
    """The URI by which another party takes our place in a dialog (RFC 3891: to-tag is that of its peer)."""
    replaces = f"{dialog.call_id};to-tag={dialog.remote_tag};from-tag={dialog.local_tag}"
    mark = "&" if "?" in dialog.remote_target else "?"
    return f"{dialog.remote_target}{mark}Replaces={quote(replaces, safe='')}"
