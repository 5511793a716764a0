"""An object store that speaks the S3 protocol, in a process of its own: moto's server, an emulator.

It answers as Amazon's does in what is used here, and forgets everything when it ends. Nothing is tested against
MinIO, Ceph or Amazon itself.
"""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import time
from types import TracebackType
from typing import Final, Self

from recording.stores.s3 import BucketStore
from recording.stores.settings import StoreSettings
from tests.support.milestone import PATIENCE, PeerError
from tests.support.ports import free_port

BUCKET: Final = "recordings"
KEY: Final = ("AKIAEMULATOR", "of no use elsewhere")


class ObjectStore:
    """The emulator with one bucket, up when the context is entered and gone when it is left. Blocks."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, empty."""
        command = (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port))
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        give_up = time.monotonic() + PATIENCE
        while not self._makes_bucket():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise PeerError(f"moto's server does not answer on port {self.port}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash would, with all that it had."""
        if self._process is not None:
            self.go_on()
            self._process.kill()
            self._process.wait()
            self._process = None

    def stall(self) -> None:
        """Let it take connections and answer nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        self._signal(signal.SIGCONT)

    def settings(self, name: str = "bucket", *, timeout_seconds: float = 10.0) -> StoreSettings:
        """What the settings of the platform say of it."""
        return StoreSettings.model_validate(
            {
                "name": name,
                "kind": "s3",
                "bucket": BUCKET,
                "prefix": "centre/one",
                "endpoint": self.endpoint,
                "access_key": KEY[0],
                "secret_key": KEY[1],
                "timeout_seconds": timeout_seconds,
            }
        )

    def store(self, name: str = "bucket", *, timeout_seconds: float = 10.0) -> BucketStore:
        """The platform's side of it."""
        return BucketStore(
            name,
            bucket=BUCKET,
            prefix="centre/one",
            endpoint=self.endpoint,
            access_key=KEY[0],
            secret_key=KEY[1],
            timeout_seconds=timeout_seconds,
        )

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _makes_bucket(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        scope = f"{KEY[0]}/20260101/us-east-1/s3/aws4_request"
        try:
            connection.request(
                "PUT", f"/{BUCKET}", headers={"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}"}
            )
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
