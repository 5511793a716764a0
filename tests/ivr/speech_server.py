"""A speech server over HTTP, as Piper's is: answers as a test wants, and keeps the texts that were posted."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import numpy as np

RATE = 22050
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter, str], Awaitable[None]]


def tone(seconds: float) -> bytes:
    samples = 8000 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE)) / RATE)
    return samples.astype("<i2").tobytes()


def wav(sound: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes(sound)
    return file.getvalue()


def streaming_head() -> bytes:
    """The head of a WAV whose length nobody knows yet."""
    head = bytearray(wav(b"")[:44])
    head[4:8] = head[40:44] = b"\xff\xff\xff\xff"
    return bytes(head)


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[tuple[str, list[str]]]:
    """Answers by ``answer(reader, writer, text)``; the URL and the texts that were posted."""
    texts: list[str] = []
    done = asyncio.Semaphore(0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        text = json.loads(await reader.readexactly(length))["text"]
        texts.append(text)
        try:
            await answer(reader, writer, text)
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            done.release()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/say?voice=a", texts
        for _ in texts:
            await done.acquire()


def ok(body: bytes, status: str = "200 OK") -> Answer:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: str) -> None:
        writer.write(f"HTTP/1.0 {status}\r\nLocation: http://127.0.0.1:1/\r\n\r\n".encode() + body)

    return answer
