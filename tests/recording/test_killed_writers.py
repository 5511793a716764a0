"""Writers that are killed (SIGKILL) at any moment leave all but what they were writing, whole and proved."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ccplatform.contracts.words import RecordingId
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.ids import Ids
from ccplatform.security.sealed_sound import samples_of
from recording.files import RecordingFiles
from recording.proof import check_file
from recording.sealed import Sounds
from tests.support.sealed import KEY, RING, unsealed

#: Writes seconds of sound, each all of its own number, and says after each how far it is.
_WRITER = """
import sys
from ccplatform.contracts.media import Seal
from gateway.media.sealed_file import SealedFile, append
from tests.support.sealed import KEY, RING
path, recording, at = sys.argv[1], sys.argv[2], float(sys.argv[3])
file = SealedFile(path, recording, Seal(key=KEY, wrapped=RING.wrap(KEY, recording)), at)
number = round(file.seconds)
while True:
    number += 1
    append([(file, number.to_bytes(2, "little") * 16000)])
    print(number, flush=True)
"""


def write_until_killed(path: Path, recording: RecordingId, at: float) -> int:
    """The last second that the writer said it had written."""
    command = [sys.executable, "-c", _WRITER, str(path), recording, str(at)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(random.uniform(0, 0.05))
        writer.send_signal(signal.SIGKILL)
        told = writer.stdout.read().split()
    return int(told[-1]) if told else round(at) + 1


@pytest.mark.parametrize("attempt", [*range(4), *(pytest.param(n, marks=pytest.mark.soak) for n in range(4, 100))])
def test_all_but_the_last_second_is_there_and_proved(tmp_path: Path, attempt: int) -> None:
    sounds = Sounds(files=RecordingFiles(tmp_path), keys=RING)
    recording = RecordingId(Ids(SystemClock()).new())
    path = sounds.files.path_of(recording)
    told = write_until_killed(path, recording, 0.0)
    if attempt % 2:  # another writer goes on with it, after two seconds that nobody wrote, and is killed, too
        whole = len(samples_of(path.read_bytes(), KEY)[1]) // 32_000
        told = write_until_killed(path, recording, whole + 2.0)
    torn = sounds.close_torn(recording, "killed")
    assert told <= torn.seconds <= told + 1
    assert torn.missing_seconds == (2.0 if attempt % 2 else 0.0)
    with sounds.reader(recording) as reader:
        assert check_file(reader, torn.root) == ""
    seconds = unsealed(path)[0].reshape(-1, 16_000)
    assert [int(second[0]) for second in seconds if second.any()] == [
        number for number, second in enumerate(seconds, 1) if second.any()
    ]
    assert all((second == second[0]).all() for second in seconds)
