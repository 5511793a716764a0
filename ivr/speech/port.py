"""The port behind which every text-to-speech engine stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ivr.numbers import Language


class Speech(Protocol):
    """A text-to-speech engine."""

    def voice(self, language: Language) -> str:
        """Everything that shapes the sound of a text, engine version included: a key of caches."""

    async def synthesize(self, text: str, language: Language, into: Path) -> None:
        """Speak ``text`` into a mono 16-bit WAV file at telephone level, without leading silence.

        Raises :class:`~ivr.errors.SpeechUnavailable`; the engine's own alarm is its own business.
        """

    async def stream(self, text: str, language: Language, into: Path, begun: Callable[[int], None]) -> None:
        """Speak ``text`` into a file that grows, for a ``contracts.media.StreamItem``; returns when it is whole.

        ``begun`` is called with its rate when the first samples are in it. Raises SpeechUnavailable; after
        ``begun`` the file then ends too early.
        """

    def working(self) -> dict[str, bool]:
        """Whether each engine behind this one worked when it was last asked, by name; True before that."""

    async def close(self) -> None:
        """Let the engine go."""
