"""A key management service in a thread: the two calls of a transit engine that the platform makes.

Written after the documentation of the HTTP API of Vault and OpenBao (``/v1/transit/encrypt/NAME`` and
``/decrypt/NAME``); it is neither of them.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "s.token-of-the-tests"


class TransitEngine:
    """What the service holds; ``asked`` are the calls that it answered, ``away``: it answers 503."""

    def __init__(self) -> None:
        self.versions = [secrets.token_bytes(32)]
        self.asked: list[str] = []
        self.away = False
        self.url = ""

    def rotate(self) -> None:
        """A new version of the key; the old ones go on opening."""
        self.versions.append(secrets.token_bytes(32))

    def answer(self, path: str, token: str, body: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and JSON."""
        what = path.removeprefix("/v1/transit/").split("/")[0]
        self.asked.append(what)
        if self.away:
            return 503, {"errors": ["Vault is sealed"]}
        if token != TOKEN:
            return 403, {"errors": ["permission denied"]}
        if what == "encrypt":
            nonce = secrets.token_bytes(12)
            sealed = AESGCM(self.versions[-1]).encrypt(nonce, base64.b64decode(body["plaintext"]), None)
            text = f"vault:v{len(self.versions)}:{base64.b64encode(nonce + sealed).decode()}"
            return 200, {"data": {"ciphertext": text, "key_version": len(self.versions)}}
        try:
            _, version, text = body["ciphertext"].split(":")
            data = base64.b64decode(text)
            plain = AESGCM(self.versions[int(version[1:]) - 1]).decrypt(data[:12], data[12:], None)
        except (InvalidTag, IndexError, ValueError):
            return 400, {"errors": ["cipher: message authentication failed"]}
        return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}


@contextmanager
def transit_engine() -> Iterator[TransitEngine]:
    """One that listens on the loopback until the end."""
    engine = TransitEngine()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = engine.answer(self.path, self.headers["X-Vault-Token"], body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        engine.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield engine
        finally:
            server.shutdown()
            thread.join()
