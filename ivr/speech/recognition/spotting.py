"""Phrases found in what an engine without grammars heard."""

from __future__ import annotations

import re
from collections.abc import Sequence


def spotted(text: str, phrases: Sequence[str]) -> str:
    """The longest of the phrases that is in a text, '' for none; case and, in Mandarin, spaces do not count."""
    heard = _plain(text)
    found = [phrase for phrase in phrases if _plain(phrase) in heard]
    return max(found, key=len, default="")


def _plain(text: str) -> str:
    """With a space around each word that is written in letters, and none between Chinese characters."""
    words = re.sub(r"([\u3400-\u9fff])", r" \1 ", text.lower()).split()
    return f" {' '.join(words)} "
