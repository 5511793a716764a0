"""Calls out are tried one way after the other until somebody takes them (RFC 3263 section 4.3): the servers of a
trunk, then the next trunk of the route. Phones of a seat are one attempt: they ring together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from ccplatform.contracts.legs import DialLeg
from ccplatform.contracts.words import ReleaseCause, TrunkId
from gateway.dialling import Attempt, Dialling, Unreachable
from gateway.leg_end import cause_of_end
from gateway.leg_state import Leg
from gateway.sip.dialog_runner import DialogRunner
from gateway.sip.invite_events import DialogEnded
from gateway.sip.service import SipService
from gateway.sip.trunks import TrunkChannels
from gateway.sip.uac import OutgoingCall

#: A server that says so does not serve: another server of the trunk may. 408 is also what nobody says.
_NEXT_SERVER: Final = frozenset({408, 430, 500, 502, 503, 504})
#: A flow by which a phone cannot be reached (RFC 5626 section 5.3.1); 503 is also what a broken connection is.
_NEXT_FLOW: Final = frozenset({408, 430, 503})
#: A trunk that says so does not carry this call; another trunk may.
_NEXT_TRUNK: Final = _NEXT_SERVER | {401, 403, 407, 580}
#: Q.850: no route, out of order, no circuit, network out of order, temporary failure, congestion.
_NEXT_TRUNK_Q850: Final = frozenset({2, 3, 27, 34, 38, 41, 42})

_log = structlog.get_logger("legs")


class Hunting:
    """Makes the dialogs of each attempt. ``listen`` is told of every dialog that is made for a leg,
    ``failed(trunk, attempt, retry_after)`` of servers that did not take a call, and for how long they
    will not, if they said so."""

    def __init__(
        self,
        *,
        sip: SipService,
        dialling: Dialling,
        channels: TrunkChannels,
        listen: Callable[[Leg, DialogRunner], None],
        failed: Callable[[TrunkId, Attempt, float | None], None],
    ) -> None:
        self._sip = sip
        self._dialling = dialling
        self._channels = channels
        self._listen = listen
        self._failed = failed

    def begin(self, leg: Leg, command: DialLeg) -> None:
        """Make the dialogs of the first attempt that can be made; raises :class:`Unreachable` when none can."""
        leg.attempts.extend(self._dialling.attempts(command))
        if not self._attempt(leg):
            raise Unreachable("all channels are busy", ReleaseCause.BUSY)

    def again(self, leg: Leg, ended: DialogEnded) -> bool:
        """The last dialog of an attempt ended without an answer: make those of the next, if there is one."""
        attempt = leg.attempt
        if attempt is None or attempt.trunk is None or leg.rang or not ended.by_remote:
            return False
        other_trunk_only = ended.status not in _NEXT_SERVER
        if other_trunk_only and ended.status not in _NEXT_TRUNK and ended.q850 not in _NEXT_TRUNK_Q850:
            return False
        if not other_trunk_only:
            self._failed(attempt.trunk, attempt, ended.retry_after)
        while other_trunk_only and leg.attempts and leg.attempts[0].trunk == attempt.trunk:
            leg.attempts.popleft()
        cause = cause_of_end(leg, ended)
        if not self._attempt(leg):
            return False
        _log.info("call tried another way", leg=leg.id, trunk=leg.trunk, after=attempt.trunk, cause=cause)
        return True

    def another_flow(self, leg: Leg, dialog: DialogRunner, ended: DialogEnded) -> DialogRunner | None:
        """A phone was not reached: the dialog by its next flow, if it has one."""
        ways = leg.other_flows.pop(dialog.call_id, ())
        if not ways or not ended.by_remote or ended.status not in _NEXT_FLOW:
            return None
        _log.info("phone tried by another flow", leg=leg.id, seat=leg.seat, status=ended.status)
        return self._dial(leg, ways[0], ways[1:])

    def _attempt(self, leg: Leg) -> bool:
        while leg.attempts:
            attempt = leg.attempts.popleft()
            if not self._seize(leg, attempt):
                continue
            leg.attempt = attempt
            leg.transports.clear()
            leg.other_flows.clear()
            for number, call in enumerate(attempt.calls):
                self._dial(leg, call, attempt.others[number] if attempt.others else ())
            return True
        return False

    def _dial(self, leg: Leg, call: OutgoingCall, others: tuple[OutgoingCall, ...]) -> DialogRunner:
        dialog = self._sip.dial(call)
        leg.dialogs.append(dialog)
        leg.transports[dialog.call_id] = call.flow.transport
        if others:
            leg.other_flows[dialog.call_id] = others
        self._listen(leg, dialog)
        if leg.contact is not None:
            self._sip.adopt_trace(dialog.call_id, leg.contact, leg.id)
        return dialog

    def _seize(self, leg: Leg, attempt: Attempt) -> bool:
        """Have a channel of this attempt's trunk, and of no other one."""
        trunk = attempt.trunk
        if leg.trunk == trunk:
            return True
        if leg.trunk is not None:
            self._channels.release(leg.trunk, incoming=False)
            leg.trunk = None
        if trunk is None or not self._dialling.seize(trunk, urgent=attempt.urgent):
            return trunk is None
        leg.trunk = trunk
        return True
