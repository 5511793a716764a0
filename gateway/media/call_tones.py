"""The tones by which networks tell callers how their call fares, by country: frequencies and cadence.

Sources: ITU-T E.180 Supplement 2 (tones in national networks) for all; China also GF 002-9002 and YD/T 573 (450 Hz
±25 for all but the recording tone, 950 Hz); the United States also Telcordia GR-506; the United Kingdom also BT
SIN 350; Germany also ETSI TR 101 041-2 (425 Hz, ETSI's tone for Europe). Japan's ringing and waiting tones are
400 Hz modulated with 16 Hz, here as their two side tones. The special information tone is ITU-T E.180 section 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ccplatform.contracts.media import CallTone, ToneCountry


@dataclass(frozen=True, slots=True)
class Beat:
    """Frequencies together (none: silence) for so long."""

    hertz: tuple[float, ...]
    seconds: float


def _on_off(hertz: tuple[float, ...], *seconds: float) -> tuple[Beat, ...]:
    """Tone and silence in turns."""
    return tuple(Beat(() if place % 2 else hertz, length) for place, length in enumerate(seconds))


_INFORMATION: Final = tuple(Beat((hertz,), 0.33) for hertz in (950.0, 1400.0, 1800.0))
_CN, _EU, _UK_BUSY, _JP = (450.0,), (425.0,), (400.0,), (400.0,)
_US_DIAL, _US_RING, _US_BUSY = (350.0, 440.0), (440.0, 480.0), (480.0, 620.0)
_UK_RING, _JP_RING = (400.0, 450.0), (384.0, 416.0)
_RECORD: Final = (1400.0,)

#: One round of each tone; it is repeated for as long as the tone is played.
CALL_TONES: Final[dict[ToneCountry, dict[CallTone, tuple[Beat, ...]]]] = {
    ToneCountry.CHINA: {
        CallTone.DIAL: _on_off(_CN, 1.0),
        CallTone.RINGBACK: _on_off(_CN, 1.0, 4.0),
        CallTone.BUSY: _on_off(_CN, 0.35, 0.35),
        CallTone.CONGESTION: _on_off(_CN, 0.7, 0.7),
        CallTone.INFORMATION: _on_off(_CN, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.4, 0.4),
        CallTone.CALL_WAITING: _on_off(_CN, 0.4, 4.0),
        CallTone.RECORDING: _on_off((950.0,), 0.4, 10.0),
    },
    ToneCountry.UNITED_STATES: {
        CallTone.DIAL: _on_off(_US_DIAL, 1.0),
        CallTone.RINGBACK: _on_off(_US_RING, 2.0, 4.0),
        CallTone.BUSY: _on_off(_US_BUSY, 0.5, 0.5),
        CallTone.CONGESTION: _on_off(_US_BUSY, 0.25, 0.25),
        CallTone.INFORMATION: (*_INFORMATION, Beat((), 1.0)),
        CallTone.CALL_WAITING: _on_off((440.0,), 0.3, 10.0),
        CallTone.RECORDING: _on_off(_RECORD, 0.5, 15.0),
    },
    ToneCountry.UNITED_KINGDOM: {
        CallTone.DIAL: _on_off(_US_DIAL, 1.0),
        CallTone.RINGBACK: _on_off(_UK_RING, 0.4, 0.2, 0.4, 2.0),
        CallTone.BUSY: _on_off(_UK_BUSY, 0.375, 0.375),
        CallTone.CONGESTION: _on_off(_UK_BUSY, 0.4, 0.35, 0.225, 0.525),
        CallTone.INFORMATION: (*_INFORMATION, Beat((), 1.0)),
        CallTone.CALL_WAITING: _on_off(_UK_BUSY, 0.1, 4.0),
        CallTone.RECORDING: _on_off(_RECORD, 0.5, 60.0),
    },
    ToneCountry.GERMANY: {
        CallTone.DIAL: _on_off(_EU, 1.0),
        CallTone.RINGBACK: _on_off(_EU, 1.0, 4.0),
        CallTone.BUSY: _on_off(_EU, 0.48, 0.48),
        CallTone.CONGESTION: _on_off(_EU, 0.24, 0.24),
        CallTone.INFORMATION: (*_INFORMATION, Beat((), 1.0)),
        CallTone.CALL_WAITING: _on_off(_EU, 0.2, 0.2, 0.2, 5.0),
        CallTone.RECORDING: _on_off(_RECORD, 0.08, 15.0),
    },
    ToneCountry.JAPAN: {
        CallTone.DIAL: _on_off(_JP, 1.0),
        CallTone.RINGBACK: _on_off(_JP_RING, 1.0, 2.0),
        CallTone.BUSY: _on_off(_JP, 0.5, 0.5),
        CallTone.CONGESTION: _on_off(_JP, 0.5, 0.5),
        CallTone.INFORMATION: (*_INFORMATION, Beat((), 1.0)),
        CallTone.CALL_WAITING: _on_off(_JP_RING, 0.5, 8.0),
        CallTone.RECORDING: _on_off(_RECORD, 0.5, 15.0),
    },
}
