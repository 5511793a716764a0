"""Errors of configuration.

::

    Refusal
    ├── ChangedMeanwhile    somebody else changed the item after it was read
    ├── NeededByOthers      others name what is to be removed
    ├── BadSheet            the CSV cannot be read
    └── NotFound
        └── NoSuchItem      nothing of this kind has that id
"""

from __future__ import annotations

from collections.abc import Sequence

from ccplatform.kernel.errors import NotFound, Refusal


class ChangedMeanwhile(Refusal):
    """What the change starts from is not how things are; ``who`` says who changed it and when, if known."""

    def __init__(self, subject: str, who: str = "") -> None:
        super().__init__(f"{subject} was changed meanwhile{who}; look at it again", code="changed_meanwhile")


class NeededByOthers(Refusal):
    """What others name cannot be removed; the text names them (the first ten)."""

    def __init__(self, subject: str, users: Sequence[str]) -> None:
        more = f" and {len(users) - 10} more" if len(users) > 10 else ""
        super().__init__(f"{subject} is needed by {', '.join(users[:10])}{more}", code="in_use")


class BadSheet(Refusal):
    """The text is no sheet of ours; the message says where and why."""

    def __init__(self, text: str) -> None:
        super().__init__(text, code="bad_sheet")


class NoSuchItem(NotFound):
    """Nothing of the kind has that id."""

    def __init__(self, word: str, name: str) -> None:
        super().__init__(f"there is no {word} {name}")
