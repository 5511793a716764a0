"""The first call of a worker costs no more than the others: nothing is loaded within a tick."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_CALLS = """
import sys
import gateway.media.worker
from ccplatform.contracts.media import Play, Seal, StartRecording, ToneItem
from ccplatform.contracts.words import CallId, LegId, PlaybackId, RecordingId
from gateway.media.tick_times import TickTimes
from tests.gateway.media.peers import Law, Rig, tone

rig = Rig()
loaded = set(sys.modules)
times = TickTimes()
a, caller = rig.leg("a", Law.PCMA)
rig.engine.connect_leg(a, caller.remote(noise_payload_type=13))
b, agent = rig.leg("b", Law.PCMU)
rig.engine.routing.bridge(a, b)
items = (ToneItem(hertz=(440.0,), seconds=0.2),)
rig.engine.play(a, Play(leg=LegId("a"), playback=PlaybackId("p"), items=items))
rig.engine.start_recording(
    StartRecording(
        call=CallId("c"), recording=RecordingId("r"), left=LegId("a"), right=LegId("b"), path=sys.argv[1],
        seal=Seal(key=bytes(32), wrapped=b""),
    ), a, b,
)
rig.talk((caller, tone(440, 0.4)), (agent, tone(1000, 0.4)))
caller.skip()
for packet in caller.press("5"):
    caller.send(packet)
    rig.tick()
rig.talk((caller, tone(697, 0.1) // 2 + tone(1209, 0.1) // 2))
caller.send(caller.packet(bytes((40, 90, 120)), 13))  # RFC 3389: noise with a spectrum
rig.ticks(260)
rig.engine.close_leg(a)
times.note(0.002, 0, 0)
times.summary()
print(sorted(set(sys.modules) - loaded))
rig.close()
"""


def test_no_module_is_loaded_within_a_tick(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CALLS, str(tmp_path / "a.wav")], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.strip() == "[]"
