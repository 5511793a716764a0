"""G.722 at 64 kbit/s (ITU-T G.722 mode 1), 16 kHz, by libg722."""

from __future__ import annotations

from typing import Final

import numpy as np
from G722 import G722

from gateway.media.audio import Pcm

_RATE: Final = 16000
_BITS_PER_SECOND: Final = 64000
#: Octets of a payload: 5 to 60 ms, as with G.711.
_SIZES: Final = range(40, 481)
_NOTHING: Final = np.zeros(0, dtype=np.int16)


class G722Coder:
    """One leg's coder and decoder: two samples an octet."""

    def __init__(self, fmtp: str = "") -> None:
        self._coder = G722(_RATE, _BITS_PER_SECOND, use_numpy=False)

    def encode(self, pcm: Pcm) -> bytes:
        """See :class:`gateway.media.codecs.Coder`."""
        payload: bytes = self._coder.encode(np.ascontiguousarray(pcm))
        return payload

    def decode(self, payload: bytes) -> Pcm:
        """See :class:`gateway.media.codecs.Coder`."""
        if len(payload) not in _SIZES:
            return _NOTHING
        return np.frombuffer(self._coder.decode(payload), dtype=np.int16)

    def recover(self, following: bytes, samples: int) -> Pcm:
        """Nothing: G.722 carries no redundancy."""
        return _NOTHING

    def expect_loss(self, share: float) -> None:
        """See :class:`gateway.media.codecs.Coder`: there is no choice."""
