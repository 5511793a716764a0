"""What the far end reports of the prober's packets."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ccplatform.proof.receipts import Receipts
from gateway.media import rtcp

BLOCK = rtcp.ReportBlock(ssrc=7, fraction_lost=0, lost=3, highest=0x1_0003, jitter=0, last_report=0, delay=0)


def packet(block: rtcp.ReportBlock) -> bytes:
    return rtcp.build(1, "far@end", None, block)


def test_the_last_report_of_our_stream_counts_and_numbers_wrap() -> None:
    receipts = Receipts(ssrc=7, first=65_530)
    receipts.packet(packet(replace(BLOCK, highest=65_532, lost=0)), sent=50)
    assert (receipts.expected, receipts.lost) == (3, 0)
    receipts.packet(packet(BLOCK), sent=50)
    assert (receipts.expected, receipts.lost) == (10, 3)
    receipts.packet(packet(replace(BLOCK, ssrc=8, highest=0x1_0009)), sent=50)
    assert (receipts.expected, receipts.lost) == (10, 3)


def test_a_report_of_what_was_never_sent_is_left_out() -> None:
    receipts = Receipts(ssrc=7, first=100)
    for highest in (110, 99, 0xFFFF_FFFF):
        receipts.packet(packet(replace(BLOCK, highest=highest)), sent=10)
    assert (receipts.expected, receipts.lost) == (0, 0)
    receipts.packet(packet(replace(BLOCK, highest=109, lost=-2)), sent=10)  # some came twice
    assert (receipts.expected, receipts.lost) == (10, 0)


@given(
    st.binary(max_size=200) | st.binary(max_size=80).map(lambda data: packet(BLOCK)[:8] + data), st.integers(0, 99)
)
def test_garbage_harms_nothing(data: bytes, sent: int) -> None:
    receipts = Receipts(ssrc=7, first=65_530)
    receipts.packet(data, sent)
    receipts.packet(bytes(4000), sent)
    assert 0 <= receipts.lost <= receipts.expected <= sent
