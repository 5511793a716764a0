"""The packages a call passes through, as `calls` sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from ccplatform.contracts.flows import Flows
from ccplatform.contracts.legs import Legs, Numbers
from ccplatform.contracts.media import Media, PlayItem
from ccplatform.contracts.recordings import Recorder
from ccplatform.contracts.routing import Router
from ccplatform.contracts.words import ContactId


class CallRows(Protocol):
    """The live view's row of a call, which must survive with it."""

    def snapshot_call(self, contact: ContactId) -> dict[str, Any] | None:
        """The row, None when there is none."""

    def restore_call(self, data: dict[str, Any]) -> None:
        """Put the row back."""


class Whispers(Protocol):
    """What agents are told before their callers: texts and files."""

    def prepare(self, whisper: str) -> None:
        """It will be wanted soon."""

    def items(self, whisper: str) -> tuple[PlayItem, ...]:
        """What is played, at once; nothing where it is not there (yet)."""


class Throttle(Protocol):
    """What keeps new calls from a node that has enough to do."""

    def refuses_order(self, number: str, order: str) -> float | None:
        """For how many seconds nobody may have a number called by a click (``order`` names the call); None: he
        may, an emergency number always."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPorts:
    """The packages a call passes through."""

    legs: Legs
    numbers: Numbers
    media: Media
    flows: Flows
    router: Router
    recorder: Recorder
    rows: CallRows
    whispers: Whispers
    throttle: Throttle
