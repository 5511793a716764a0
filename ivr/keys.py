"""What a key does to an input: the rules of menus and of collected digits, without any state of their own."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from ivr.model import AskingNode, Collect, Menu
from ivr.session import Key

#: Every key a telephone can send.
KEYS = frozenset("0123456789*#ABCD")

#: Keys pressed ahead that are kept; more are dropped.
MOST_KEYS_AHEAD = 32


class Verdict(StrEnum):
    """What became of an input with one more key."""

    MORE = "more"  # goes on
    DONE = "done"  # complete and right
    WRONG = "wrong"  # complete, and not what was asked for
    CLEARED = "cleared"  # the caller starts the input again


def judge(node: AskingNode, typed: Sequence[Key], key: Key) -> Verdict:
    """The verdict on ``key`` after ``typed``."""
    if isinstance(node, Menu):
        return Verdict.DONE if key.digit in node.choices else Verdict.WRONG
    if key.digit == node.restart:
        return Verdict.CLEARED
    if key.digit == node.terminator:
        return Verdict.DONE if len(typed) >= node.length.min else Verdict.WRONG
    if not key.digit.isdigit():
        return Verdict.WRONG
    return Verdict.DONE if len(typed) + 1 == node.length.max else Verdict.MORE


def judge_pause(node: AskingNode, typed: Sequence[Key]) -> Verdict:
    """The verdict when no further key comes."""
    enough = isinstance(node, Collect) and len(typed) >= node.length.min
    return Verdict.DONE if enough else Verdict.WRONG


def digits_of(typed: Sequence[Key]) -> str:
    """The digits of an input."""
    return "".join(key.digit for key in typed)
