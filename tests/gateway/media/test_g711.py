"""G.711 tables against the decision and output values of the recommendation, written out independently."""

from __future__ import annotations

import numpy as np

from gateway.media.audio import peak_of
from gateway.media.g711 import DECODE, ENCODE, Law, decode, encode

# ITU-T G.711 tables 1a and 2a: per segment the number of intervals and their size, in units of the
# recommendation (A-law: 12-bit magnitudes, µ-law: 13-bit magnitudes).
A_SEGMENTS = [(32, 2), (16, 4), (16, 8), (16, 16), (16, 32), (16, 64), (16, 128)]
MU_SEGMENTS = [(1, 1), (15, 2), (16, 4), (16, 8), (16, 16), (16, 32), (16, 64), (16, 128), (16, 256)]


def _intervals(segments: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found, start = [], 0
    for count, size in segments:
        for _ in range(count):
            found.append((start, start + size))
            start += size
    return found


def test_alaw_decodes_to_the_output_values_of_table_1a() -> None:
    intervals = _intervals(A_SEGMENTS)
    assert len(intervals) == 128
    assert intervals[-1][1] == 4096
    for number, (low, high) in enumerate(intervals):
        value = (low + high) // 2 * 8  # 12-bit magnitude and sign, left-justified in 16 bits
        assert DECODE[Law.PCMA, (number | 0x80) ^ 0x55] == value
        assert DECODE[Law.PCMA, number ^ 0x55] == -value


def test_ulaw_decodes_to_the_output_values_of_table_2a() -> None:
    intervals = _intervals(MU_SEGMENTS)
    assert len(intervals) == 128
    assert intervals[-1][1] == 8159
    for number, (low, high) in enumerate(intervals):
        value = 0 if number == 0 else (low + high) // 2 * 4
        assert DECODE[Law.PCMU, (number ^ 0x7F) | 0x80] == value
        assert DECODE[Law.PCMU, number ^ 0x7F] == -value


def test_every_16_bit_sample_is_encoded_into_the_interval_that_holds_it() -> None:
    for law, segments, unit in ((Law.PCMA, A_SEGMENTS, 8), (Law.PCMU, MU_SEGMENTS, 4)):
        bounds = np.array([low for low, _ in _intervals(segments)])
        samples = np.arange(-32768, 32768)
        magnitude = np.where(samples < 0, -samples - 1, samples) // unit
        number = np.searchsorted(bounds, magnitude, side="right") - 1
        if law is Law.PCMA:
            expected = (number | np.where(samples < 0, 0, 0x80)) ^ 0x55
        else:
            expected = (number ^ 0x7F) | np.where(samples < 0, 0, 0x80)
        assert np.array_equal(ENCODE[law][samples.astype(np.int16).view(np.uint16)], expected), law


def test_what_was_decoded_is_encoded_to_the_same_code() -> None:
    codes = np.arange(256, dtype=np.uint8)
    assert np.array_equal(encode(Law.PCMA, decode(Law.PCMA, codes)), codes)
    again = encode(Law.PCMU, decode(Law.PCMU, codes))
    assert set(codes[again != codes].tolist()) == {0x7F}  # minus zero


def test_the_milliwatt_of_table_5_and_6_is_0_dbm0() -> None:
    milliwatt = {
        Law.PCMA: [0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4],
        Law.PCMU: [0x1E, 0x0B, 0x0B, 0x1E, 0x9E, 0x8B, 0x8B, 0x9E],
    }
    for law, codes in milliwatt.items():
        rms = np.sqrt(np.mean(decode(law, np.array(codes, dtype=np.uint8)).astype(float) ** 2))
        assert abs(20 * np.log10(rms * np.sqrt(2) / peak_of(0.0))) < 0.1
