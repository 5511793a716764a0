"""Dialogs that take the place of others: what a phone may name by Replaces (RFC 3891), and what becomes of it."""

from __future__ import annotations

from ccplatform.contracts.legs import LegTransferAsked
from gateway.leg_state import Leg
from gateway.leg_table import LegTable
from gateway.sip.invite_events import ReferArrived


def transfer_asked(legs: LegTable, leg: Leg, refer: ReferArrived) -> LegTransferAsked | None:
    """What a phone wants by REFER; None: it may not. Only the phone of a seat may connect others at our expense,
    and it may name no calls but those of its seat."""
    if leg.ended or leg.seat is None:
        return None
    if refer.replaces is None:
        return LegTransferAsked(leg=leg.id, number=refer.number)
    other = legs.named_by(refer.replaces, leg.seat)
    if other is None:
        return None
    return LegTransferAsked(leg=leg.id, number=refer.number, replaces=other.id)
