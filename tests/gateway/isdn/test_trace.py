"""The D channel in words and as a capture file, of frames that libpri made."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.isdn.span_calls import TracedFrame
from gateway.isdn.trace import capture, explained
from tests.gateway.isdn.back_to_back import Link, needs_libpri

BEGUN = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def frames() -> list[TracedFrame]:
    """A call with all that we say of it, a refusal, digits one by one, a restart: as the user side saw them."""
    link = Link(overlap=True)
    link.do(
        "network",
        "call",
        call="a",
        channel=5,
        called="95000",
        called_plan=0x41,
        caller="13800000001",
        caller_plan=0x21,
        presentation=0x21,
        redirecting="4008000",
        redirecting_reason=1,
    )
    for step in ("proceeding", "alerting", "connect"):
        link.do("user", step, call="in-1", channel=5, inband=True)
    link.do("network", "hangup", call="a", cause=16)
    link.do("user", "hangup", call="in-1", cause=16)
    link.do("user", "call", call="b", channel=9, called="4", complete=False)
    link.do("network", "setup_ack", call="in-1", channel=9)
    link.do("user", "digits", call="b", digits="711")
    link.do("network", "hangup", call="in-1", cause=1)
    link.do("user", "hangup", call="b", cause=1)
    link.do("user", "restart", channel=3)
    return [
        TracedFrame(BEGUN + timedelta(milliseconds=number), side == "network", frame)
        for number, (side, frame) in enumerate(link.frames)
    ]


@needs_libpri
def test_frames_are_told_in_words(frames: list[TracedFrame]) -> None:
    told = [explained(frame) for frame in frames]
    setup = next(row for row in told if row["name"] == "SETUP")
    assert (setup["caller"], setup["called"], setup["channel"], setup["sent"]) == (
        "13800000001",
        "95000",
        5,
        False,
    )
    names = [row["name"] for row in told if row["reference"] is not None]
    assert names[:7] == [
        "SETUP",
        "CALL PROCEEDING",
        "ALERTING",
        "CONNECT",
        "CONNECT ACKNOWLEDGE",
        "DISCONNECT",
        "RELEASE",
    ]
    assert {"SETUP ACKNOWLEDGE", "INFORMATION", "RESTART", "RESTART ACKNOWLEDGE"} <= set(names)
    causes = [row["cause"] for row in told if "cause" in row]
    assert causes[0] == 16
    assert 1 in causes
    assert {"SABME", "UA", "RR"} <= {row["name"] for row in told}


@needs_libpri
def test_tshark_reads_the_capture_without_complaint(frames: list[TracedFrame], tmp_path: Path) -> None:
    file = tmp_path / "d-channel.pcap"
    file.write_bytes(capture(frames))
    fields = [
        "-e",
        "frame.protocols",
        "-e",
        "q931.message_type",
        "-e",
        "_ws.expert.severity",
        "-e",
        "_ws.malformed",
    ]
    done = subprocess.run(
        ["tshark", "-r", str(file), "-T", "fields", *fields],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == len(frames)
    assert all(row[0].startswith("lapd") for row in rows), rows
    assert {row[1] for row in rows} >= {"0x05", "0x02", "0x01", "0x07", "0x45", "0x4d", "0x5a", "0x46"}, rows
    warnings = {"6291456", "8388608"}  # warn and error
    assert not any(warnings & set(row[2].split(",")) or row[3] for row in rows), rows


@given(st.binary(max_size=300))
def test_any_octets_can_be_told(data: bytes) -> None:
    frame = TracedFrame(BEGUN, True, data)
    assert explained(frame)["octets"] == data.hex()
    assert len(capture([frame])) == 24 + 16 + len(data)
