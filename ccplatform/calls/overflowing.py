"""A queue that cannot keep a caller sends him on: to a flow, or to a number. Functions on a step."""

from __future__ import annotations

from ccplatform.calls.asked import dial_party, start_next_flow
from ccplatform.calls.inputs import Overflowed
from ccplatform.calls.model import Record, Stage
from ccplatform.calls.step import Step
from ccplatform.contracts.facts import Transferred
from ccplatform.contracts.media import StopPlay


def overflowed(step: Step, event: Overflowed) -> None:
    """Leave the queue for where it says; the caller's flow ends, or has him again if nobody answers."""
    state = step.state
    if state.stage is not Stage.QUEUED:
        return
    if state.queued_at is not None:
        state.queue_seconds += step.now - state.queued_at
    state.queue = state.queued_at = state.chosen_at = None
    if event.flow is not None:
        to = f"voice_mail:{event.mailbox}" if event.mailbox else f"flow:{event.flow}"
        state.next_flow, state.mailbox = event.flow, event.mailbox
        step.move(Stage.FLOW)
        sent = Transferred(
            contact=state.contact,
            to=to,
            by=f"queue:{event.queue}",
        )
        step.emit(StopPlay(leg=state.caller_leg), Record(fact=sent))
        if state.flow is not None:
            step.end_flow(abandoned=False)
        else:
            start_next_flow(step)
    elif event.target is not None:
        dial_party(step, event.target, event.number, event.seated)
