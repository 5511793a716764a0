"""The port behind which every speech recogniser stands, inside its own process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ccplatform.kernel.errors import Refusal, Unavailable
from ivr.speech.recognition.wire import Hypothesis


class CannotHear(Refusal):
    """The engine does not do what is asked: another language, a word that it does not know."""


class EngineGone(Unavailable):
    """The engine, or the server behind it, does not work now."""


class Ear(Protocol):
    """Hears one caller, utterance by utterance. Called from one thread; raises :class:`EngineGone`."""

    def begin(self) -> None:
        """He begins to speak; what was heard of an utterance that was not finished is dropped."""

    def feed(self, samples: bytes) -> None:
        """What he says: 16-bit little-endian samples of one channel at the engine's rate."""

    def finish(self) -> Sequence[Hypothesis]:
        """He fell silent: what he said, the likeliest first."""

    def close(self) -> None:
        """He is heard no more."""


class Engine(Protocol):
    """A recogniser; several threads call :meth:`open`."""

    @property
    def rate(self) -> int:
        """Samples a second that its ears take: 8,000 or 16,000."""

    def open(self, language: str, phrases: Sequence[str] | None, alternatives: int) -> Ear:
        """An ear for a caller; raises :class:`CannotHear` or :class:`EngineGone`."""
