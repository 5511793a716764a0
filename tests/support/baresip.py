"""Debian's baresip as a peer: headless, without sound hardware, on loopback alone.

It says a WAV file (``aufile``), hears into ``aubridge`` (a device of its own, no hardware) and writes what it
heard to a file (``sndfile``); it is told what to do over TCP (``ctrl_tcp``: JSON in netstrings).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final

import numpy as np

from tests.support import audio
from tests.support.g711 import RATE, Samples
from tests.support.milestone import PATIENCE, PeerError, until
from tests.support.ports import free_port
from tests.support.sip import Address, in_uri

_MODULES: Final = "/usr/lib/baresip/modules"
_SOURCE_SECONDS: Final = 120
_CONFIG: Final = """\
poll_method epoll
sip_listen {sip}
net_interface {host}
audio_player aubridge,heard
audio_source aufile,{wav}
audio_alert aubridge,alert
ausrc_srate {rate}
auplay_srate {rate}
ausrc_channels 1
auplay_channels 1
audio_txmode thread
audio_buffer 20-160
rtp_ports 32768-60999
module_path {modules}
module g711.so
module g722.so
module opus.so
opus_bitrate 28000
opus_inbandfec yes
module aufile.so
module aubridge.so
module sndfile.so
rtcp_mux yes
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {control}
snd_path {directory}
"""

#: Loaded by those alone that encrypt: one of them makes an RSA key first, which takes a busy machine seconds.
_ENCRYPTION: Final = "module srtp.so\nmodule dtls_srtp.so\nmodule ice.so\n"


def netstring(data: bytes) -> bytes:
    """``5:hello,``."""
    return b"%d:%s," % (len(data), data)


def take_netstrings(buffer: bytearray) -> list[bytes]:
    """Cut the whole netstrings off a buffer."""
    taken: list[bytes] = []
    while (found := re.match(rb"(\d+):", buffer)) and len(buffer) > found.end() + int(found[1]):
        end = found.end() + int(found[1])
        taken.append(bytes(buffer[found.end() : end]))
        del buffer[: end + 1]
    return taken


def _message(text: bytes) -> dict[str, Any]:
    """An event or an answer; what is not JSON is an event that nobody waits for, and failures tell it."""
    try:
        message: dict[str, Any] = json.loads(text)
    except ValueError:
        return {"event": True, "type": f"not JSON: {text!r}"}
    return message


class Baresip:
    """One baresip with one account. A context manager: started, and gone at the end.

    ``registrar``: register there with ``password`` (digest MD5); without it calls go from peer to peer.
    ``codecs`` are named as baresip does: ``G722/16000/1``, ``opus/48000/2``. ``says`` is repeated for two minutes,
    at ``rate``, which must be that of the codecs. ``auto_answer`` answers at once, otherwise call :meth:`accept`.
    """

    def __init__(
        self,
        user: str,
        *,
        password: str = "",
        registrar: Address | None = None,
        says: Samples | None = None,
        auto_answer: bool = True,
        codecs: tuple[str, ...] = ("PCMA", "PCMU"),
        rate: int = RATE,
        transport: str = "udp",
        encryption: str = "",
        ice: bool = False,
        authorities: Path | None = None,
    ) -> None:
        self.user = user
        self.events: list[dict[str, Any]] = []
        self.sip_port = free_port()
        self._control_port = free_port()
        self._directory = tempfile.TemporaryDirectory(prefix="baresip-")
        self._path = Path(self._directory.name)
        self.rate = rate
        self._authorities = authorities
        self._encrypts = bool(encryption) or ice
        self._says = audio.tone(700, rate=rate) if says is None else says
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._tokens = itertools.count(1)
        host, port = registrar or ("127.0.0.1", self.sip_port)
        self.host = "::1" if ":" in host else "127.0.0.1"
        options = [f"regint={120 if registrar else 0}", f"answermode={'auto' if auto_answer else 'manual'}"]
        options += [f"audio_codecs={','.join(codecs)}", *([f"auth_pass={password}"] if password else [])]
        options += [f"mediaenc={encryption}"] if encryption else []
        options += ["medianat=ice"] if ice else []
        self._account = f"<sip:{user}@{in_uri(host)}:{port};transport={transport}>;{';'.join(options)}"

    @property
    def uri(self) -> str:
        """Where it can be called directly."""
        return f"sip:{self.user}@{in_uri(self.host)}:{self.sip_port}"

    async def start(self) -> Baresip:
        """Write its configuration and start it; returns when it takes commands."""
        wav = self._path / "says.wav"
        times = -(-_SOURCE_SECONDS * self.rate // max(1, self._says.size))
        audio.write_wav(wav, np.tile(self._says, times), rate=self.rate)
        config = _CONFIG.format(
            rate=self.rate,
            sip=f"{in_uri(self.host)}:{self.sip_port}",
            host=self.host,
            control=f"127.0.0.1:{self._control_port}",
            wav=wav,
            modules=_MODULES,
            directory=self._path,
        )
        if self._encrypts:
            config += _ENCRYPTION
        if self._authorities is not None:  # whom to believe over TLS
            config += f"sip_cafile {self._authorities}\n"
        for name, text in {"config": config, "accounts": self._account + "\n", "contacts": ""}.items():
            (self._path / name).write_text(text, encoding="utf-8")
        with (self._path / "output.log").open("wb") as output:
            await self._run(output)
        await until(self._ready, lambda: f"baresip ready; {self.output()}")
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._control_port)
        self._reader = asyncio.create_task(self._read(reader), name=f"baresip {self.user}")
        await self.command("about")  # it listens to this connection, so its events come here from now on
        return self

    async def registered(self, limit: float = PATIENCE) -> None:
        """Wait until the registrar accepted it."""
        await self._until(lambda: self._registration() is not None, "registered", limit)
        if self._registration() != "200":
            raise PeerError(f"baresip {self.user}: REGISTER was refused with {self._registration()}")

    async def ringing(self, limit: float = PATIENCE) -> None:
        """Wait until a call comes in."""
        await self._until(lambda: self._seen("CALL_INCOMING"), "ringing", limit)

    async def established(self, limit: float = PATIENCE) -> None:
        """Wait until a call is answered, whoever called."""
        await self._until(lambda: self._seen("CALL_ESTABLISHED"), "in a call", limit)

    async def closed(self, limit: float = PATIENCE) -> None:
        """Wait until a call is over."""
        await self._until(lambda: self._seen("CALL_CLOSED"), "rid of its call", limit)

    async def dial(self, uri: str) -> None:
        """Call somebody; then wait with :meth:`established`."""
        await self.command("dial", uri)

    async def accept(self) -> None:
        """Answer a ringing call."""
        await self.command("accept")

    async def hang_up(self) -> None:
        """End the call."""
        await self.command("hangup")

    async def press(self, key: str) -> None:
        """Send one key (RFC 4733)."""
        await self.command("sndcode", key)

    async def command(self, command: str, parameters: str = "", limit: float = PATIENCE) -> str:
        """Any command of baresip's menu; returns what it printed."""
        assert self._writer is not None
        token = str(next(self._tokens))
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[token] = future
        body = {"command": command, "params": parameters, "token": token}
        self._writer.write(netstring(json.dumps(body).encode()))
        try:
            async with asyncio.timeout(limit):
                answer = await future
        except TimeoutError:
            raise PeerError(f"baresip {self.user} did not answer {command!r}; {self.output()[-800:]}") from None
        if not answer.get("ok"):
            raise PeerError(f"baresip {self.user}: {command} {parameters}: {answer.get('data')}")
        return str(answer.get("data") or "")

    def heard(self) -> Samples:
        """What it heard in its last call so far, decoded by baresip; everything once the call is closed.

        The samples are those of the codec: :attr:`rate` of them a second, of several channels the first.
        """
        files = sorted(self._path.glob("dump-*-dec.wav"), key=lambda path: path.stat().st_mtime)
        if not files:
            return np.zeros(0, dtype=np.int16)
        data = files[-1].read_bytes()  # the header gets its length only at the end
        (channels,) = struct.unpack_from("<H", data, 22)
        sound = data[44 : len(data) - (len(data) - 44) % (2 * channels)]
        return np.frombuffer(sound, dtype="<i2").reshape(-1, channels)[:, 0].astype(np.int16)

    async def heard_tone(self, frequency: float, limit: float = PATIENCE) -> None:
        """Wait until the last half second that it heard holds a tone."""
        await self._until_heard(
            lambda heard: audio.has_tone(heard, frequency, rate=self.rate), f"hearing {frequency:g} Hz", limit
        )

    async def heard_steadily(
        self, frequency: float, dbm0: float, within_db: float, limit: float = PATIENCE
    ) -> None:
        """Wait until the last half second that it heard holds a tone of that level, but for a click or a gap."""

        def level(heard: Samples) -> float:
            return audio.steady_level_dbm0(heard, frequency, self.rate)

        await self._until_heard(
            lambda heard: abs(level(heard) - dbm0) <= within_db,
            f"hearing {frequency:g} Hz at {dbm0:g} dBm0 ± {within_db:g} dB",
            limit,
            lambda: f"{level(self.heard()[-self.rate // 2 :]):.1f} dBm0; ",
        )

    async def __aenter__(self) -> Baresip:
        try:
            return await self.start()
        except BaseException:
            await self._stop()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _run(self, output: BinaryIO) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *("stdbuf", "-oL", "-eL"),  # its messages are part of our failures: not held back in a buffer
            *("baresip", "-6" if ":" in self.host else "-4", "-v", "-f", str(self._path)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def _stop(self) -> None:
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        if self._reader is not None:
            await self._reader
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(3):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        self._directory.cleanup()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        buffer = bytearray()
        while data := await reader.read(65536):
            buffer += data
            for text in take_netstrings(buffer):
                self._take(_message(text))

    def _ready(self) -> bool:
        assert self._process is not None
        if self._process.returncode is not None:
            raise PeerError(f"baresip {self.user} ended with {self._process.returncode}; {self.output()}")
        return "baresip is ready" in self.output()

    def _take(self, message: dict[str, Any]) -> None:
        if message.get("event"):
            self.events.append(message)
        elif (waiting := self._answers.pop(str(message.get("token")), None)) is not None and not waiting.done():
            waiting.set_result(message)

    def _registration(self) -> str | None:
        """The last final status of a REGISTER; its event comes too early for the control connection."""
        found = re.findall(r"(?:\{[^}]*\}|reg: \S+) ([2-6]\d\d) ", self.output())
        return found[-1] if found else None

    def _seen(self, kind: str) -> bool:
        return any(event.get("type") == kind for event in self.events)

    async def _until_heard(
        self, fits: Callable[[Samples], bool], what: str, limit: float, more: Callable[[], str] = lambda: ""
    ) -> None:
        """Wait until the last half second fits."""
        size = self.rate // 2
        await self._until(
            lambda: (heard := self.heard()[-size:]).size == size and fits(heard),
            what,
            limit,
            lambda: more() + audio.describe(self.heard()),
        )

    async def _until(
        self, condition: Callable[[], bool], what: str, limit: float, more: Callable[[], str] = lambda: ""
    ) -> None:
        def story() -> str:
            kinds = ", ".join(str(event.get("type")) for event in self.events) or "none"
            kinds += ", then its connection closed" if self._reader is None or self._reader.done() else ""
            return f"baresip {self.user} {what}; {more()} events: {kinds}; output ends:\n{self.output()[-800:]}"

        await until(condition, story, limit=limit)

    def output(self) -> str:
        """What it printed so far."""
        path = self._path / "output.log"
        return path.read_text(errors="replace") if path.exists() else ""
