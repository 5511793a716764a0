"""Seconds that were wanted and are not there."""

from __future__ import annotations

import pytest

from ccplatform.contracts.words import ContactId, RecordingId
from recording.gaps import TOLERANCE, Gaps
from recording.model import Ending

CONTACT, RECORDING = ContactId("contact"), RecordingId("recording")


def ending(seconds: float, *, complete: bool = True, reason: str = "", missing: float = 0.0) -> Ending:
    return Ending(seconds=seconds, size_bytes=1, complete=complete, reason=reason, missing_seconds=missing)


@pytest.fixture
def gaps() -> Gaps:
    gaps = Gaps()
    gaps.began(RECORDING, CONTACT, 100.0)
    return gaps


def test_a_whole_recording_has_none(gaps: Gaps) -> None:
    gaps.closed(RECORDING, 160.5)
    assert gaps.kept(RECORDING, ending(60.0), 175.0) is None  # a slow disk kept it late
    assert gaps.contact_ended(CONTACT, 200.0) == []


def test_less_than_was_said_is_one(gaps: Gaps) -> None:
    gaps.closed(RECORDING, 160.0)
    gap = gaps.kept(RECORDING, ending(50.0), 160.0)
    assert gap is not None
    assert (gap.contact, gap.recording, gap.seconds) == (CONTACT, RECORDING, 10.0)


def test_what_a_dead_worker_did_not_write_is_one_however_short(gaps: Gaps) -> None:
    gaps.closed(RECORDING, 160.0)
    gap = gaps.kept(RECORDING, ending(60.0, complete=False, reason="gone", missing=1.5), 160.0)
    assert gap is not None
    assert (gap.seconds, gap.reason) == (1.5, "gone")


def test_what_was_cut_is_missing_until_its_contact_ends(gaps: Gaps) -> None:
    gaps.closed(RECORDING, 110.0)
    assert gaps.kept(RECORDING, ending(10.0, complete=False, reason="disk full"), 110.0) is None
    assert gaps.contact_ended(ContactId("other"), 120.0) == []
    [gap] = gaps.contact_ended(CONTACT, 160.0)
    assert (gap.seconds, gap.reason) == (50.0, "disk full")
    assert gaps.contact_ended(CONTACT, 170.0) == []


@pytest.mark.parametrize(("over", "missing"), [(110.0 + TOLERANCE, 0), (125.0, 15.0)])
def test_what_was_cut_with_its_call_misses_nothing_after_it(gaps: Gaps, over: float, missing: float) -> None:
    assert gaps.contact_ended(CONTACT, over) == []
    gaps.closed(RECORDING, 130.0)
    gap = gaps.kept(RECORDING, ending(10.0, complete=False, reason="worker gone"), 130.0)
    assert (gap.seconds if gap is not None else 0) == missing


def test_recordings_of_an_earlier_run_are_told_by_their_files(gaps: Gaps) -> None:
    assert gaps.kept(RecordingId("earlier"), ending(3.0, complete=False), 200.0) is None
