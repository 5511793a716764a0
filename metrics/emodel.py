"""Voice quality by calculation: the E-model of ITU-T G.107, for G.711 with packet loss and delay.

All other parameters keep the defaults of G.107 table 3 (R = 93.2 without loss and delay), echo is taken as
cancelled, so that delay costs by the term Idd alone. Loss robustness of G.711 from G.113 appendix I.
"""

from __future__ import annotations

from math import log2

#: R of a connection with the default parameters, no delay and no loss (G.107).
BASIC_R = 93.2
#: Packet-loss robustness Bpl of G.711 with the concealment of its appendix I, and without (G.113 appendix I).
BPL_CONCEALED = 25.1
BPL_PLAIN = 4.3
#: Delay up to which listeners notice nothing, seconds (G.107 3.5: Ta ≤ 100 ms → Idd = 0).
FREE_DELAY_SECONDS = 0.1


def delay_impairment(delay_seconds: float) -> float:
    """Idd of G.107: what an absolute one-way delay costs, on the scale of R."""
    if delay_seconds <= FREE_DELAY_SECONDS:
        return 0.0
    x = log2(delay_seconds / FREE_DELAY_SECONDS)
    return float(25.0 * ((1.0 + x**6) ** (1 / 6) - 3.0 * (1.0 + (x / 3.0) ** 6) ** (1 / 6) + 2.0))


def loss_impairment(loss_ratio: float, bpl: float = BPL_CONCEALED, burst_ratio: float = 1.0) -> float:
    """Ie,eff of G.107 (7-29) for G.711 (Ie = 0); ``loss_ratio`` 0…1, ``burst_ratio`` 1 for random loss."""
    percent = 100.0 * loss_ratio
    return 95.0 * percent / (percent / max(burst_ratio, 1.0) + bpl)


def rating(loss_ratio: float, delay_seconds: float, bpl: float = BPL_CONCEALED, burst_ratio: float = 1.0) -> float:
    """The transmission rating R."""
    return BASIC_R - delay_impairment(delay_seconds) - loss_impairment(loss_ratio, bpl, burst_ratio)


def mos_of_rating(r: float) -> float:
    """MOS-CQE of a rating (G.107 annex B): 1 … 4.5."""
    if r <= 0.0:
        return 1.0
    if r >= 100.0:
        return 4.5
    return max(1.0, 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6)


def mos(loss_ratio: float, delay_seconds: float, burst_ratio: float = 1.0) -> float:
    """MOS-CQE of G.711 with concealment, from the loss (0…1) and the one-way mouth-to-ear delay (seconds)."""
    return mos_of_rating(rating(loss_ratio, delay_seconds, burst_ratio=burst_ratio))
