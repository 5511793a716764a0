"""A real worker process for tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from gateway.media.settings import MediaSettings

WORKER_PROGRAM = """
import sys
from gateway.media.settings import MediaSettings
from gateway.media.worker import run_worker

settings = MediaSettings.model_validate_json(sys.argv[1])
run_worker(settings, sys.argv[2], int(sys.argv[3]), lambda: print("ready", flush=True))
"""


class WorkerProcess:
    """Started and ready when the constructor returns."""

    def __init__(self, settings: MediaSettings, socket_path: Path, index: int = 0) -> None:
        self.path = socket_path
        arguments = [
            sys.executable,
            "-c",
            WORKER_PROGRAM,
            settings.model_dump_json(),
            str(socket_path),
            str(index),
        ]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=os.getcwd())
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        self.process.kill()
        self._finish()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._finish()

    def _finish(self) -> int:
        assert self.process.stdout is not None
        try:
            return self.process.wait(10)
        finally:
            self.process.stdout.close()
