"""REST of E1 spans (R10.4.a). No ``from __future__ import annotations``: FastAPI reads local names here."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, Field

from ccplatform.operations.orders import OnceBody
from ccplatform.security.access import Access, Principal
from ccplatform.security.audit import Audit
from gateway.isdn.timing_store import TimingStore
from gateway.signalling.pcap import MEDIA_TYPE
from gateway.trunk_routes import OPERATORS, READERS, Name

#: Asks the E1 front; raises NotFound, Refusal, Unavailable.
Ask = Callable[[dict[str, Any]], Awaitable[Any]]
Slot = Annotated[int, Path(ge=1, le=31)]


class SpanAction(StrEnum):
    """What can be done to a span or a channel (R10.4.a)."""

    ACTIVATE = "activate"  # calls again
    BLOCK = "block"  # no new calls; those that run go on
    RESET = "reset"  # calls are ended, channels restarted on both sides (Q.931 RESTART)


class ChannelAction(StrEnum):
    """What can be done to a channel besides."""

    ACTIVATE = "activate"
    BLOCK = "block"
    RESET = "reset"
    LOOP = "loop"  # what is heard is sent back; no calls
    UNLOOP = "unloop"


class TimingSource(StrEnum):
    """Whose clock times a span (R10.6.a)."""

    SPAN = "span"
    SYSTEM = "system"


class LineItem(BaseModel):
    """Counters of the line since the start."""

    blocks_received: int
    blocks_sent: int
    frames_received: int = Field(description="of the D channel")
    frames_sent: int
    slips: int
    malformed: int
    strangers: int


class CauseItem(BaseModel):
    """Calls that ended by a cause of Q.850."""

    cause: int
    text: str
    calls: int


class SpanCalls(BaseModel):
    """Calls since the start."""

    incoming: int
    outgoing: int
    answered: int
    no_channel: int
    glare: int = Field(description="both sides seized one channel")
    layer2_losses: int
    rows_put_in: int = Field(description="silent rows of 20 ms towards the line, of calls that ended")
    rows_left_out: int = Field(description="rows of the centre that the line had no time for, of calls that ended")
    by_cause: list[CauseItem]


class ChannelCall(BaseModel):
    """The call on a channel."""

    outgoing: bool
    state: str
    caller: str
    called: str


class ChannelItem(BaseModel):
    """One bearer channel."""

    slot: int
    state: str
    blocked: bool
    call: ChannelCall | None
    calls: int
    busy_seconds: float = Field(description="how long it had calls since the start")
    erlangs: float = Field(description="traffic carried since the start (R10.3.1.1)")


class SpanItem(BaseModel):
    """One span."""

    id: str
    side: str
    layer2: str
    problem: str
    blocked: bool
    usable: bool
    alarms: list[str] = Field(description="los, lfa, ais, rai")
    timing: str = Field(description="whose clock times what goes out: span, system, card (R10.6.a)")
    line: LineItem
    calls: SpanCalls
    channels: list[ChannelItem]
    frames: int = Field(description="of the D channel that are kept")


class SpanPage(BaseModel):
    """Every span."""

    items: list[SpanItem]


class LoopItem(BaseModel):
    """What came back of a pattern."""

    looped: bool = Field(description="whether the far end sends anything back")
    bits: int = Field(description="bits that came back")
    errors: int = Field(description="those of them that were wrong")
    delay_rows: int = Field(description="rows of 20 ms between what was sent and what came back")
    lost_rows: int = Field(description="rows of 20 ms, of 50, that did not come back: slips on the way")


class FrameItem(BaseModel):
    """One frame of the D channel, in words."""

    at: datetime
    sent: bool
    name: str
    reference: int | None
    octets: str
    cause: int | None = None
    cause_text: str | None = None
    channel: int | None = None
    caller: str | None = None
    called: str | None = None


class FramePage(BaseModel):
    """The latest frames, oldest first."""

    items: list[FrameItem]


def build_router(
    *, access: Access, ask: Ask, audit: Audit, timings: TimingStore, configured: Mapping[str, str]
) -> APIRouter:
    """``isdn/spans``. ``configured`` is what times each span by the settings."""
    choosing = asyncio.Lock()  # the front and the database learn of choices in one order
    router = APIRouter(tags=["gateway"])
    Reader = Annotated[Principal, Depends(access.require(*READERS))]
    Operator = Annotated[Principal, Depends(access.require(*OPERATORS))]

    async def order(what: SpanAction | ChannelAction, by: Principal, key: str, **of: Any) -> None:
        do = "unblock" if what == SpanAction.ACTIVATE else str(what)
        await ask({"do": do, "key": f"{by.user} {key}" if key else "", **of})
        name = ":".join(str(part) for part in of.values())
        await audit.record(subject=by.user, action=f"span.{what}", object=name, result="ok")

    @router.get("/isdn/spans")
    async def spans(_: Reader) -> SpanPage:
        """Every span with its channels."""
        return SpanPage(items=[SpanItem(**item) for item in await ask({"do": "state"})])

    @router.post("/isdn/spans/{span}/{action}", status_code=204)
    async def operate(span: Name, action: SpanAction, by: Operator, body: OnceBody) -> None:
        """Activate, block (no new calls) or reset a span."""
        await order(action, by, body.key, span=span)

    @router.post("/isdn/spans/{span}/timing/{source}", status_code=204)
    async def time_by(span: Name, source: TimingSource, by: Operator, body: OnceBody) -> None:
        """Choose whose clock times what the span sends, from now on and after a restart."""
        key = f"{by.user} {body.key}" if body.key else ""
        async with choosing:
            chosen = await timings.all()  # without the database nothing is changed
            await ask({"do": "time-by", "span": span, "source": source.value, "key": key})
            if chosen.get(span, configured.get(span)) != source.value:
                await timings.choose(
                    span, source.value, configured=configured.get(span, ""), by=by.user, audit=audit
                )

    @router.post("/isdn/spans/{span}/channels/{slot}/loop-test")
    async def loop_test(span: Name, slot: Slot, by: Operator, body: OnceBody) -> LoopItem:
        """Send a pattern for a second to a channel that the far end loops, and count what comes back wrong."""
        found = await ask({"do": "loop-test", "span": span, "slot": slot})
        await audit.record(subject=by.user, action="span.loop_test", object=f"{span}:{slot}", result="ok")
        return LoopItem(**found)

    @router.post("/isdn/spans/{span}/channels/{slot}/{action}", status_code=204)
    async def operate_channel(span: Name, slot: Slot, action: ChannelAction, by: Operator, body: OnceBody) -> None:
        """Activate, block or reset a bearer channel; or loop it for the far end's tests."""
        await order(action, by, body.key, span=span, slot=slot)

    @router.get("/isdn/spans/{span}/trace")
    async def trace(span: Name, _: Reader) -> FramePage:
        """The latest frames of the D channel."""
        return FramePage(items=[FrameItem(**item) for item in await ask({"do": "trace", "span": span})])

    @router.get("/isdn/spans/{span}/capture", response_class=Response)
    async def captured(span: Name, _: Reader) -> Response:
        """The D channel as a capture file (pcap, LAPD), which Wireshark reads."""
        content = base64.b64decode(await ask({"do": "capture", "span": span}))
        disposition = f'attachment; filename="{span}.pcap"'
        return Response(content, media_type=MEDIA_TYPE, headers={"Content-Disposition": disposition})

    return router
