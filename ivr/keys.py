"""What a key does to an input: the rules of menus and of collected digits, without any state of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from ivr.errors import ExpressionFailed
from ivr.model import AskingNode, Collect, Flow, Menu, Speech, Survey
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


def judge(flow: Flow, node: AskingNode, question: int, typed: Sequence[Key], key: Key) -> Verdict:
    """The verdict on ``key`` after ``typed``; ``question`` is the running one of a survey."""
    match node:
        case Collect():
            return _judge_collected(node, typed, key)
        case Menu():
            return Verdict.WRONG if flow.choice_of(node, key.digit) is None else Verdict.DONE
        case Survey():
            score = int(key.digit) if key.digit.isdigit() else 0
            return Verdict.DONE if 1 <= score <= node.questions[question].scale else Verdict.WRONG
        case Speech():
            return Verdict.DONE if key.digit in node.keys else Verdict.WRONG


def _judge_collected(node: Collect, typed: Sequence[Key], key: Key) -> Verdict:
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


def fits(node: Collect, digits: str, variables: Mapping[str, str]) -> bool:
    """Whether collected digits look like one of the masks, and the node's condition holds on them."""
    if node.masks is not None and not any(_fits_mask(mask, digits) for mask in node.masks):
        return False
    try:
        return node.valid is None or node.valid.holds({**variables, node.variable: digits})
    except ExpressionFailed:
        return False


def _fits_mask(mask: str, digits: str) -> bool:
    fixed = mask.removesuffix("*")
    long_enough = len(digits) >= len(fixed) if mask.endswith("*") else len(digits) == len(fixed)
    return long_enough and all(sign in ("?", digit) for sign, digit in zip(fixed, digits, strict=False))


def digits_of(typed: Sequence[Key]) -> str:
    """The digits of an input."""
    return "".join(key.digit for key in typed)
