"""Skill expressions: what an agent must be able to do, in words that people write.

``sales >= 3 and (english >= 5 or french)``: a skill alone means any level of it, *and* binds before *or*. An
expression is kept in its normal form, alternatives of skills that are needed together, so that two ways to write
the same need are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import product
from typing import NewType, TypeAlias

from acd.errors import IllegalSetting

SkillId = NewType("SkillId", str)

#: Skill levels: 10 is the best.
LEVELS = range(1, 11)
#: Longest text, and most alternatives of a normal form.
MAX_TEXT, MAX_ALTERNATIVES = 500, 32

#: Skills that are needed together, each with its least level, by skill.
Together: TypeAlias = tuple[tuple[SkillId, int], ...]
#: Alternatives, sorted; an agent needs one of them.
Need: TypeAlias = tuple[Together, ...]

_TOKEN = re.compile(r"\s*(>=|\(|\)|[\w.\-]+)")


def meets(need: Need, skills: Mapping[SkillId, int]) -> bool:
    """Whether somebody with these levels can do what is needed."""
    return any(all(skills.get(skill, 0) >= level for skill, level in together) for together in need)


def skills_of(need: Need) -> frozenset[SkillId]:
    """Every skill that the expression names."""
    return frozenset(skill for together in need for skill, _ in together)


def at_least(skill: SkillId, level: int) -> Need:
    """The expression of one skill."""
    return (((skill, level),),)


def both(one: Need, other: Need) -> Need:
    """What needs both."""
    return _normal(_join(a, b) for a, b in product(one, other))


@lru_cache(maxsize=4096)
def parse(text: str) -> Need:
    """The normal form of an expression; raises IllegalSetting with the place of the fault."""
    if len(text) > MAX_TEXT:
        raise _fault(text, f"an expression has at most {MAX_TEXT} characters")
    tokens = _tokens(text)
    need = _either(text, tokens)
    if tokens:
        raise _fault(text, f"{tokens[0]!r} is not expected there")
    return need


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _fault(text, f"it cannot be read at character {at + 1}")
        tokens.append(found[1])
        at = found.end()
    return tokens


def _either(text: str, tokens: list[str]) -> Need:
    need = _all(text, tokens)
    while tokens and tokens[0] == "or":
        tokens.pop(0)
        need = _bounded(text, _normal((*need, *_all(text, tokens))))
    return need


def _all(text: str, tokens: list[str]) -> Need:
    need = _one(text, tokens)
    while tokens and tokens[0] == "and":
        tokens.pop(0)
        need = _bounded(text, both(need, _one(text, tokens)))
    return need


def _one(text: str, tokens: list[str]) -> Need:
    if not tokens:
        raise _fault(text, "a skill is missing at its end")
    token = tokens.pop(0)
    if token == "(":
        need = _either(text, tokens)
        if not tokens or tokens.pop(0) != ")":
            raise _fault(text, "a parenthesis is not closed")
        return need
    if token in (")", ">=", "and", "or"):
        raise _fault(text, f"a skill is missing before {token!r}")
    level = 1
    if tokens and tokens[0] == ">=":
        tokens.pop(0)
        written = tokens.pop(0) if tokens else ""
        if not written.isascii() or not written.isdigit() or int(written[:3]) not in LEVELS:
            raise _fault(text, f"the level of {token} must be a whole number from {LEVELS[0]} to {LEVELS[-1]}")
        level = int(written)
    return at_least(SkillId(token), level)


def _join(one: Together, other: Together) -> Together:
    levels = dict(one)
    for skill, level in other:
        levels[skill] = max(level, levels.get(skill, 0))
    return tuple(sorted(levels.items()))


def _normal(alternatives: Iterator[Together] | tuple[Together, ...]) -> Need:
    """Sorted, without those that another one implies."""
    kept: list[Together] = []
    for together in sorted(set(alternatives), key=lambda item: (len(item), item)):
        if not any(_implies(together, other) for other in kept):
            kept = [other for other in kept if not _implies(other, together)] + [together]
    return tuple(sorted(kept))


def _implies(strict: Together, loose: Together) -> bool:
    levels = dict(strict)
    return all(levels.get(skill, 0) >= level for skill, level in loose)


def _bounded(text: str, need: Need) -> Need:
    if len(need) > MAX_ALTERNATIVES:
        raise _fault(text, f"it has more than {MAX_ALTERNATIVES} alternatives")
    return need


def _fault(text: str, rule: str) -> IllegalSetting:
    return IllegalSetting("skill expression", "text", text[:MAX_TEXT], rule)
