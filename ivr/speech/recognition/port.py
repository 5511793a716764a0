"""Speech recognition as sessions see it, whatever engine is behind it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ivr.numbers import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """What a caller may have said, and how sure that is, 0 to 1."""

    text: str = field(repr=False)
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TapPlace:
    """Where the media engine has to hand the caller's sound, with how many samples a second."""

    path: str
    rate: int


class Recogniser(Protocol):
    """Hears callers, each under a name of his own. Engines raise and clear their alarms themselves."""

    async def prepare(self, languages: Collection[Language]) -> None:
        """Get ready to hear these languages; what fails is an alarm."""

    async def open(
        self, hearing: str, language: Language, phrases: Sequence[str] | None, alternatives: int
    ) -> TapPlace:
        """Get ready to hear a caller say one of ``phrases`` (None: anything); raises SpeechUnheard."""

    def begin(self, hearing: str, at: float) -> None:
        """He speaks since then, monotonic seconds."""

    async def end(self, hearing: str) -> tuple[Hypothesis, ...]:
        """He fell silent: what he said, the likeliest first, nothing when it cannot be understood; raises
        SpeechUnheard."""

    def close_hearing(self, hearing: str) -> None:
        """He is heard no more; nothing happens when he was not."""

    async def close(self) -> None:
        """Let the engines go."""
