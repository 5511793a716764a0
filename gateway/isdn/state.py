"""A span as plain data, for REST and pages (R10.4.a)."""

from __future__ import annotations

from typing import Any

from gateway.isdn import causes
from gateway.isdn.span import Span


def state_of(span: Span, now: float) -> dict[str, Any]:
    """All that is seen of it; times in seconds."""
    channels = span.channels.all()
    calls = {call.name: call for call in span.calls}
    counters = span.counters
    return {
        "id": span.name,
        "side": span.side,
        "layer2": "up" if span.layer2 else "down",
        "problem": span.problem,
        "blocked": span.blocked,
        "usable": span.usable,
        "alarms": sorted(span.driver.alarms),
        "timing": span.driver.timing,
        "line": span.driver.counters.told(),
        "calls": {
            "incoming": counters.incoming,
            "outgoing": counters.outgoing,
            "answered": counters.answered,
            "no_channel": counters.no_channel,
            "glare": counters.glare,
            "layer2_losses": counters.layer2_losses,
            "rows_put_in": counters.rows_put_in,
            "rows_left_out": counters.rows_left_out,
            "by_cause": [
                {"cause": cause, "text": causes.text_of(cause), "calls": number}
                for cause, number in sorted(counters.by_cause.items())
            ],
        },
        "channels": [
            {
                "slot": channel.slot,
                "state": channel.state,
                "blocked": channel.blocked,
                "call": _call(calls[channel.call]) if channel.call in calls else None,
                "calls": channel.calls,
                "busy_seconds": round(span.channels.busy_seconds(channel.slot, now), 3),
                "erlangs": round(span.channels.erlangs(channel.slot, now), 4),
            }
            for channel in channels
        ],
        "frames": len(span.trace),
    }


def _call(call: Any) -> dict[str, Any]:
    return {
        "outgoing": call.outgoing,
        "state": call.state,
        "caller": call.caller,
        "called": call.called,
    }
