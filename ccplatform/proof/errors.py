"""Errors of the proof.

::

    Refusal
    └── WrongPlan          a plan or a target that cannot be used
    Unavailable
    └── NotReached         the centre under test does not answer at all
        └── SeatTaken      another phone is registered at a test seat
"""

from __future__ import annotations

from ccplatform.kernel.errors import Refusal, Unavailable


class WrongPlan(Refusal):
    """The plan cannot be used; the message says what and where."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message, code="bad_request", where=where)


class NotReached(Unavailable):
    """Nobody answers where the centre should be."""


class SeatTaken(NotReached):
    """Another phone is registered at a test seat: perhaps another prober is at work."""
