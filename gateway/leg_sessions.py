"""The sessions of legs, by what the operator set: codecs, and protection by the transport of signalling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.errors import SdpError
from gateway.media.port import LocalAudio
from gateway.sip.audio_formats import AudioPolicy
from gateway.sip.media_protection import MediaProtection, ProtectionRules, SrtpPolicy, rules_for
from gateway.sip.offer_answer import AudioNegotiation

_SESSION_BITS: Final = 62
#: Address of the trial answer that shows whether an offer is usable; never sent.
_NOWHERE: Final = LocalAudio(host="0.0.0.0", port=9)


class LegSessions:
    """Makes an :class:`AudioNegotiation` for each leg."""

    def __init__(self, *, audio: AudioPolicy, srtp: SrtpPolicy, random_number: Callable[[int], int]) -> None:
        self._audio = audio
        self._srtp = srtp
        self._random_number = random_number

    def session(self, local: LocalAudio, transport: str) -> AudioNegotiation:
        """For a party whose signalling goes over ``transport``."""
        return self._make(local, rules_for(self._srtp, transport))

    def sessions(self, local: LocalAudio, transports: Mapping[str, str]) -> dict[str, AudioNegotiation]:
        """One for each of several phones that ring for one leg; the same where the same is offered."""
        made: dict[ProtectionRules, AudioNegotiation] = {}
        for transport in transports.values():
            rules = rules_for(self._srtp, transport)
            made[rules] = made.get(rules) or self._make(local, rules)
        return {phone: made[rules_for(self._srtp, transport)] for phone, transport in transports.items()}

    def refusal(self, offer: bytes, transport: str) -> str | None:
        """Why an offer cannot be answered; None when it can."""
        try:
            self.session(_NOWHERE, transport).answer(offer)
        except SdpError as error:
            return str(error)
        return None

    def restore(self, data: dict[str, Any]) -> AudioNegotiation:
        """The negotiation whose snapshot this is; raises KeyError, TypeError or ValueError for other data."""
        return AudioNegotiation.restore(data, self._audio, self._random_number)

    def _make(self, local: LocalAudio, rules: ProtectionRules) -> AudioNegotiation:
        protection = MediaProtection(rules, self._random_number)
        return AudioNegotiation(local, self._random_number(_SESSION_BITS), self._audio, protection)
