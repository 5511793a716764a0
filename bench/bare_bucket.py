"""A bucket with nothing behind it: a process that answers a GET with a range from a directory, and no more of S3.

What a client of S3 takes from it is the client's own; what it takes more from an emulator is the emulator's.
"""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from recording.stores.s3 import BucketStore

#: What it is called in tables.
BARE: Final = "a bare bucket"
_BUCKET: Final = "recordings"
_RANGE: Final = re.compile(r"bytes=(\d+)-(\d+)")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept, as by every object store
    disable_nagle_algorithm = True

    def __init__(self, *arguments: object, directory: Path) -> None:
        self._directory = directory
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = self._directory / unquote(self.path).removeprefix(f"/{_BUCKET}/")
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        if asked is None or not path.is_file():
            self.send_error(404)
            return
        size = path.stat().st_size
        first, last = int(asked[1]), min(int(asked[2]), size - 1)
        with path.open("rb") as file:
            file.seek(first)
            data = file.read(last - first + 1)
        self.send_response(206)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


def _serve(directory: Path, port: Connection) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=directory))
    port.send(server.server_port)
    server.serve_forever()


@contextmanager
def bare_bucket(directory: Path) -> Iterator[BucketStore]:
    """What is in the directory, as a bucket."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(directory, theirs), daemon=True)
    process.start()
    try:
        yield BucketStore(
            BARE,
            bucket=_BUCKET,
            endpoint=f"http://127.0.0.1:{ours.recv()}",
            access_key="of no use",
            secret_key="of no use",
        )
    finally:
        process.terminate()
        process.join()
