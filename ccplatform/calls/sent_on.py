"""What a flow has done with its caller: transfers to numbers and agents, and who has him after the talk.

Functions on a step.
"""

from __future__ import annotations

from ccplatform.calls.grouping import RINGBACK
from ccplatform.calls.model import Stage
from ccplatform.calls.step import Step
from ccplatform.contracts.flows import FlowRequestFailed, StartFlow
from ccplatform.contracts.media import StopPlay
from ccplatform.contracts.routing import CallAgent
from ccplatform.contracts.words import AgentId, PlaybackId, ReleaseCause


def call_agent(step: Step, agent: AgentId) -> None:
    """The ACD rings the agent, if he can take a call; the caller hears that it rings."""
    state = step.state
    state.pending_key = None
    state.agent_asked = agent
    step.move(Stage.QUEUED)
    step.play(PlaybackId(step.new_id()), RINGBACK, loop=True)
    step.emit(CallAgent(contact=state.contact, agent=agent))


def agent_not_reached(step: Step, cause: ReleaseCause) -> None:
    """The agent whom the flow asked for does not take the call: the flow has its caller again."""
    state = step.state
    if state.agent_asked is None or state.stage is not Stage.QUEUED or state.flow is None:
        return
    state.agent_asked = None
    step.move(Stage.FLOW)
    step.emit(StopPlay(leg=state.caller_leg), FlowRequestFailed(contact=state.contact, reason=cause))


def after_talk(step: Step) -> bool:
    """The agent hung up first: the flow that the caller's flow named for that, or else his queue, has him now."""
    state = step.state
    flow = state.after_talk or state.queue_after_talk
    if flow is None or state.flow is not None or state.talked_agent is None:
        return False
    step.part_talk()
    state.flow, state.flow_outcome = flow, None
    state.after_talk = state.queue_after_talk = None
    variables = {
        "caller": state.caller,
        "dialled": state.dialled,
        "agent": state.talked_agent,
        "queue": state.queue or "",
        "language": state.language,
    }
    state.agent = state.agent_seat = None
    step.move(Stage.FLOW)
    step.emit(
        StopPlay(leg=state.caller_leg),
        StartFlow(contact=state.contact, flow=state.flow, variables=variables),
    )
    return True
