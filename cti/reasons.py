"""Why an agent may say that he is not ready: the reasons that are configured, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ccplatform.contracts.words import AgentState
from ccplatform.kernel.errors import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A configured reason."""

    id: str
    name: str


class Reasons(Protocol):
    """Where they are configured."""

    async def reasons(self) -> Sequence[Reason]:
        """All of them in their order; raises Unavailable."""


async def check_reason(reasons: Reasons, state: AgentState, reason: str) -> None:
    """Raise Refusal (``unknown_reason``) for a pause with a reason that nobody configured; raises Unavailable.

    What the centre says itself (``no_answer``) is no agent's to say, unless it is configured.
    """
    if state is not AgentState.NOT_READY or not reason:
        return
    known = [each.id for each in await reasons.reasons()]
    if reason not in known:
        those = f"there are {', '.join(known)}" if known else "none is configured"
        raise Refusal(f"there is no reason {reason!r}: {those}", code="unknown_reason", where="reason")
