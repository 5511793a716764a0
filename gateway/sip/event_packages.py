"""What is told about a seat: dialog-info (RFC 4235) and message-summary (RFC 3842), as documents. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from xml.sax.saxutils import quoteattr

#: Event packages that are served, with the types of their documents.
PACKAGES: Final = {
    "dialog": "application/dialog-info+xml",
    "message-summary": "application/simple-message-summary",
}
#: The Allow-Events header (RFC 6665 section 8.2.2); REFER makes subscriptions as well.
ALLOW_EVENTS: Final = "dialog, message-summary, refer"


class DialogStage(StrEnum):
    """How far a call of a seat is (RFC 4235 section 3.7.1)."""

    TRYING = "trying"
    EARLY = "early"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class SeatDialog:
    """One call of a seat. ``calls``: the seat made it. ``name`` is its Call-ID with the tag of the seat's phone
    and ours, by which it can be picked up, once they are known. With whom it is, is not told."""

    id: str
    stage: DialogStage
    calls: bool
    name: tuple[str, str, str] | None = None


def dialog_info(entity: str, version: int, dialogs: Iterable[SeatDialog]) -> bytes:
    """The full state of a seat; without a dialog it is free."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(
        f'<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="{version}" state="full" '
        f"entity={quoteattr(entity)}>"
    )
    for dialog in dialogs:
        direction = "initiator" if dialog.calls else "recipient"
        names = zip(("call-id", "local-tag", "remote-tag"), dialog.name or (), strict=False)
        named = "".join(f" {name}={quoteattr(value)}" for name, value in names)
        lines.append(
            f'<dialog id={quoteattr(dialog.id)}{named} direction="{direction}">'
            f"<state>{dialog.stage}</state></dialog>"
        )
    lines.append("</dialog-info>")
    return ("\r\n".join(lines) + "\r\n").encode()


@dataclass(frozen=True, slots=True)
class MessageCounts:
    """Messages that wait for who is signed in at a seat: nobody heard the new ones, nobody handled the old."""

    new: int = 0
    old: int = 0


def message_summary(account: str, counts: MessageCounts) -> bytes:
    """What waits for a seat (RFC 3842 section 5.2); urgent ones are not told apart."""
    waiting = "yes" if counts.new else "no"
    return (
        f"Messages-Waiting: {waiting}\r\nMessage-Account: {account}\r\n"
        f"Voice-Message: {counts.new}/{counts.old} (0/0)\r\n"
    ).encode()
