"""Rewriting of numbers at the border of a trunk: ordered rules by prefix, the first that fits is applied. Pure.

A rule is a prefix and lengths, not a regular expression: it says all that numbering plans need, takes time linear
in its length whatever somebody writes, and an operator can read it (docs/decisions).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from gateway.errors import BadTrunk

#: Most rules of one direction of a trunk.
MAX_RULES: Final = 100
#: Longest prefix and addition, and the longest number that a rule may name.
MAX_PREFIX: Final = 32
MAX_LENGTH: Final = 64
_DIGITS: Final = frozenset("0123456789")
_DIALLED: Final = _DIGITS | frozenset("+*#")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRule:
    """A number that begins with ``prefix`` (``x`` is any digit, ``n`` one of 2 to 9) and has ``shortest`` to
    ``longest`` characters loses ``strip`` characters at its beginning and gets ``add`` there."""

    prefix: str = ""
    shortest: int = 1
    longest: int = MAX_LENGTH
    strip: int = 0
    add: str = ""

    def fits(self, number: str) -> bool:
        """Whether the rule is for this number."""
        return (
            self.shortest <= len(number) <= self.longest
            and len(number) >= len(self.prefix)
            and all(_fits(pattern, digit) for pattern, digit in zip(self.prefix, number, strict=False))
        )

    def apply(self, number: str) -> str:
        """The number as it goes on."""
        return self.add + number[self.strip :]

    def check(self) -> None:
        """Raise :class:`BadTrunk` when the rule makes no sense."""
        if len(self.prefix) > MAX_PREFIX or not _DIALLED | frozenset("xn") >= set(self.prefix):
            raise BadTrunk(f"number rule: prefix {self.prefix[:MAX_PREFIX]!r} has other than digits, + * # x n")
        if len(self.add) > MAX_PREFIX or not set(self.add) <= _DIALLED:
            raise BadTrunk(f"number rule: {self.add[:MAX_PREFIX]!r} cannot be added: digits, + * # only")
        if not 0 < self.shortest <= self.longest <= MAX_LENGTH or not 0 <= self.strip <= MAX_LENGTH:
            raise BadTrunk(
                f"number rule {self.prefix!r}: lengths must be 1 to {MAX_LENGTH}, the shorter one first"
            )
        if self.strip > self.shortest and self.strip > len(self.prefix):
            raise BadTrunk(f"number rule {self.prefix!r}: strips {self.strip} of numbers that may be shorter")

    def snapshot(self) -> dict[str, Any]:
        """JSON-able data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerRule:
    """Who is said to call numbers that begin with ``dialled``, for callers whose number begins with ``prefix`` (as
    in :class:`NumberRule`): nobody (``hidden``), another ``number``, or the caller's without ``strip`` characters
    at its beginning and with ``add`` there."""

    dialled: str = ""
    prefix: str = ""
    hidden: bool = False
    number: str = ""
    strip: int = 0
    add: str = ""

    def fits(self, dialled: str, caller: str) -> bool:
        """Whether the rule is for this call."""
        begins = NumberRule(prefix=self.prefix, shortest=0)
        return dialled.startswith(self.dialled) and begins.fits(caller)

    def apply(self, caller: str) -> str:
        """The number that is shown; of a hidden caller none."""
        return "" if self.hidden else self.number or self.add + caller[self.strip :]

    def check(self) -> None:
        """Raise :class:`BadTrunk` when the rule makes no sense."""
        for text in (self.dialled, self.number):
            if len(text) > MAX_PREFIX or not set(text) <= _DIALLED:
                raise BadTrunk(f"caller rule: {text[:MAX_PREFIX]!r} has other than digits, + * #")
        if self.hidden and (self.number or self.strip or self.add):
            raise BadTrunk(f"caller rule {self.dialled!r}: a hidden caller has no number")
        if self.number and (self.strip or self.add):
            raise BadTrunk(f"caller rule {self.dialled!r}: either another number, or the caller's rewritten")
        NumberRule(prefix=self.prefix, strip=self.strip, shortest=MAX_LENGTH, add=self.add).check()


def rewrite(rules: Sequence[NumberRule], number: str) -> str:
    """The number after the first rule that fits; as it is when none does."""
    for rule in rules:
        if rule.fits(number):
            return rule.apply(number)
    return number


def check_rules(rules: Sequence[NumberRule] | Sequence[CallerRule]) -> None:
    """Raise :class:`BadTrunk` when there are too many, or one makes no sense."""
    if len(rules) > MAX_RULES:
        raise BadTrunk(f"{len(rules)} number rules, at most {MAX_RULES} may be")
    for rule in rules:
        rule.check()


def _fits(pattern: str, digit: str) -> bool:
    if pattern == "x":
        return digit in _DIGITS
    if pattern == "n":
        return digit in "23456789"
    return pattern == digit
