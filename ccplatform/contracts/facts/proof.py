"""What mystery calls heard."""

from __future__ import annotations

from dataclasses import dataclass

from ccplatform.contracts.words import ContactId, MysteryFate


@dataclass(frozen=True, slots=True, kw_only=True)
class MysteryCallMade:
    """A mystery call came to its end (10.3.2): what it heard, in seconds of the caller's side.

    ``status`` is the SIP status that refused it, ``failed_at`` the step that did not come about. ``loopback``: it
    was made on this machine, without an access network. ``ordered_by``: it was not made on schedule.

    ``prompt_pesq``: raw P.862 of prompts that were known. ``for_agent``: it asked for an agent, and ``seat`` (a
    SIP user) answered ``agent_wait_seconds`` after the choice (R10.3.2.d); ``staffed`` says whether an agent of
    the queue was signed in, None: unknown. Then speech went both ways through the ``network`` (good, poor, bad),
    from mouth to ear. Scores are None where the package is missing or the caller itself was late.
    """

    number: str
    fate: MysteryFate
    loopback: bool
    status: int = 0
    failed_at: str = ""
    connect_seconds: float | None = None
    key_seconds: tuple[float, ...] = ()
    query_seconds: tuple[float, ...] = ()
    packets_received: int = 0
    packets_lost: int = 0
    lasted_seconds: float = 0.0
    sip_call_id: str = ""
    ordered_by: str = ""
    prompt_pesq: tuple[float, ...] = ()
    for_agent: bool = False
    agent_wait_seconds: float | None = None
    seat: str = ""
    staffed: bool | None = None
    network: str = ""
    to_caller_seconds: float | None = None
    to_caller_pesq: float | None = None
    to_agent_seconds: float | None = None
    to_agent_pesq: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MysteryCallCompared:
    """What the platform itself recorded of a mystery call, and in what that differs from what was heard
    (``differences``: of connect, key, query, wait, total, packets). Without a ``contact`` no such call was
    recorded. Seconds."""

    number: str
    sip_call_id: str
    contact: ContactId | None
    connect_seconds: float | None = None
    key_seconds: tuple[float, ...] = ()
    query_seconds: tuple[float, ...] = ()
    packets_sent: int | None = None
    total_seconds: float | None = None
    agent_wait_seconds: float | None = None
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MysteryCallOrdered:
    """Somebody wants a mystery call now."""

    by: str
