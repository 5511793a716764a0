"""Requests inside a dialog that are challenged: sent once more with credentials (RFC 3261 section 22.2). Pure."""

from __future__ import annotations

from gateway.sip.dialogs import Dialog
from gateway.sip.digest_client import DigestClient
from gateway.sip.invite_events import DialogRequest, InviteEffect
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.own_offer import OwnOffer


def sent_again(
    request: SipRequest | None,
    response: SipResponse,
    dialog: Dialog | None,
    digest: DigestClient | None,
    own_offer: OwnOffer,
) -> list[InviteEffect]:
    """The request under the dialog's next number; nothing when the response is no challenge, or none that we can
    answer."""
    if request is None or dialog is None or digest is None:
        return []
    again = digest.answer(request, response, dialog.local_seq + 1)
    if again is None:
        return []
    dialog.local_seq += 1
    own_offer.renumbered(request.cseq.number, dialog.local_seq)
    return [DialogRequest(again, dialog.destination())]
