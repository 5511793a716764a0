"""Doubles of the ports that the IVR uses."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Literal

from ccplatform.contracts.facts import Fact
from ccplatform.contracts.media import FileItem
from ccplatform.contracts.ports import WaitingMessage
from ccplatform.contracts.routing import CallBackWish, PlaceInLine
from ccplatform.contracts.words import AgentId, ContactId, RecordingId, SeatId
from ccplatform.kernel.errors import PlatformError, Refusal
from ivr.errors import SpeechUnavailable
from ivr.numbers import Language


@cache
def _sound() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(b"\x00\x10" * 400)
    return file.getvalue()


def _write(into: Path) -> None:
    into.write_bytes(_sound())


class Facts:
    def __init__(self) -> None:
        self.told: list[Fact] = []

    def record(self, fact: Fact) -> None:
        self.told.append(fact)


class Voice:
    """Every text is the same short file; ``away`` makes it fail."""

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.away = False
        self.version = "1"

    def voice(self, language: Language) -> str:
        return f"{self.version} {language}"

    async def synthesize(self, text: str, language: Language, into: Path) -> None:
        if self.away:
            raise SpeechUnavailable("away")
        self.spoken.append(text)
        _write(into)

    async def stream(self, text: str, language: Language, into: Path, begun: Callable[[int], None]) -> None:
        await self.synthesize(text, language, into)
        begun(8000)

    def working(self) -> dict[str, bool]:
        return {self.version: not self.away}

    async def close(self) -> None:
        pass


class CallBacks:
    """Promises everything; ``refuses`` with an error."""

    def __init__(self) -> None:
        self.wishes: list[CallBackWish] = []
        self.refuses: PlatformError | None = None

    async def promise(self, wish: CallBackWish) -> str:
        if self.refuses is not None:
            raise self.refuses
        self.wishes.append(wish)
        return f"call-back-{len(self.wishes)}"


class Line:
    """Everybody is third, for two minutes."""

    def place_in_line(self, contact: ContactId) -> PlaceInLine | None:
        return PlaceInLine(position=3, expected_seconds=110.0)


class Desk:
    """Agent 1004 with PIN 1004."""

    def __init__(self) -> None:
        self.seats: dict[SeatId, AgentId] = {}
        self.ready: dict[AgentId, bool] = {}

    async def sign_in(self, agent: AgentId, seat: SeatId, by: str) -> None:
        if seat in self.seats:
            raise Refusal("the seat is taken", code="seat_taken")
        self.seats[seat] = agent

    async def sign_out(self, agent: AgentId, by: str) -> None:
        self.seats = {seat: at for seat, at in self.seats.items() if at != agent}

    async def set_ready(self, agent: AgentId, ready: bool, by: str, reason: str = "") -> None:
        self.ready[agent] = ready

    def agent_at(self, seat: SeatId) -> AgentId | None:
        return self.seats.get(seat)

    async def pin_matches(self, agent: AgentId, pin: str) -> bool:
        return agent == "1004" and pin == "1004"


class Messages:
    """One message of a caller; whoever is at seat-04 works on it."""

    def __init__(self) -> None:
        self.waiting: list[WaitingMessage] = []
        self.marked: list[tuple[RecordingId, str]] = []

    async def fetch(self, seat: SeatId) -> WaitingMessage | None:
        return self.waiting.pop(0) if self.waiting and seat == "seat-04" else None

    async def mark(self, seat: SeatId, message: RecordingId, action: Literal["handled", "delete"]) -> None:
        if seat != "seat-04":
            raise Refusal("nobody is signed in there")
        self.marked.append((message, action))

    async def audio(self, message: RecordingId) -> FileItem:
        return FileItem(path=f"/messages/{message}", trim=False, key=b"k" * 32)
