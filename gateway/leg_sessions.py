"""The sessions of legs, by what the operator set: codecs; by the way of signalling: protection, version of IP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from gateway.errors import SdpError
from gateway.media.port import LocalAudio
from gateway.sip.audio_formats import AudioPolicy
from gateway.sip.flows import Flow
from gateway.sip.media_protection import MediaProtection, ProtectionRules, SrtpPolicy, rules_for
from gateway.sip.offer_answer import AudioNegotiation

_SESSION_BITS: Final = 62
#: Addresses of the trial answers that show whether an offer is usable, by version of IP; never sent.
_NOWHERE: Final = {4: LocalAudio(host="0.0.0.0", port=9), 6: LocalAudio(host="::", port=9)}


class LegSessions:
    """Makes an :class:`AudioNegotiation` for each leg. ``ip_versions`` are those that media can go over."""

    def __init__(
        self,
        *,
        audio: AudioPolicy,
        srtp: SrtpPolicy,
        random_number: Callable[[int], int],
        ip_versions: Sequence[int] = (4,),
    ) -> None:
        self._audio = audio
        self._srtp = srtp
        self._random_number = random_number
        self._ip_versions = ip_versions

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

    def ip_version(self, flow: Flow, offer: bytes | None = None) -> int:
        """The version of IP for the media of a party whose signalling goes over ``flow``: the same, unless that is
        not served or does not fit its ``offer``. Raises :class:`SdpError` for one that cannot be answered."""
        own = flow.ip_version
        versions = sorted(self._ip_versions, key=lambda version: version != own)
        if offer is None:
            return versions[0]
        errors: list[SdpError] = []
        for version in versions:
            try:
                self.session(_NOWHERE[version], flow.transport).try_offer(offer)
            except SdpError as error:
                errors.append(error)
            else:
                return version
        raise errors[0]

    def restore(self, data: dict[str, Any]) -> AudioNegotiation:
        """The negotiation whose snapshot this is; raises KeyError, TypeError or ValueError for other data."""
        return AudioNegotiation.restore(data, self._audio, self._random_number)

    def _make(self, local: LocalAudio, rules: ProtectionRules) -> AudioNegotiation:
        protection = MediaProtection(rules, self._random_number)
        return AudioNegotiation(local, self._random_number(_SESSION_BITS), self._audio, protection)
