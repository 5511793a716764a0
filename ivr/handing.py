"""The part of the interpreter that hands the caller to `calls`: queue, transfer, echo, conference."""

from __future__ import annotations

from ccplatform.contracts.facts import KeysEntered
from ccplatform.contracts.flows import (
    ConferenceCaller,
    EchoCaller,
    EnterQueue,
    FlowDigit,
    InputCompleted,
    LeaveQueue,
    TransferCaller,
)
from ccplatform.contracts.words import AgentId, FlowId, QueueId, TrunkId
from ivr.announcing import begin_announcing
from ivr.model import Conference, EchoNode, EnterQueueNode, HandingNode, Transfer
from ivr.run import Run
from ivr.session import Phase


def hand_on(run: Run, node: HandingNode) -> None:
    """`calls` has the caller from now on; keys that he pressed ahead are forgotten."""
    cursor = run.cursor
    run.drop_result()
    cursor.keys_ahead = []
    cursor.phase = Phase.HANDED_ON
    match node:
        case EnterQueueNode():
            _enter_queue(run, node)
        case Transfer():
            _transfer(run, node)
        case EchoNode():
            run.ask(EchoCaller(seconds=node.seconds))
        case Conference():
            run.ask(ConferenceCaller(room=node.room))


def leave_queue(run: Run, node: EnterQueueNode, event: FlowDigit) -> None:
    """A waiting caller pressed a key: one of the queue's choices takes him out of it."""
    cursor, target = run.cursor, node.choices.get(event.digit)
    if target is None:
        return
    run.ask(LeaveQueue())
    run.ask(InputCompleted(node=cursor.node, keyed_at=event.ended_at))
    run.tell(KeysEntered(contact=run.contact, node=cursor.node, length=1, keys=event.digit))
    cursor.keyed_at = cursor.chosen_at = event.ended_at
    run.next = target


def _enter_queue(run: Run, node: EnterQueueNode) -> None:
    """Whoever comes back to the queue that he waited in before is as old as then."""
    cursor = run.cursor
    if cursor.queued_at is None or cursor.queued_in != node.queue:
        cursor.queued_in, cursor.queued_at = node.queue, run.now
    cursor.priority = node.priority
    run.ask(
        EnterQueue(
            queue=QueueId(node.queue),
            priority=node.priority,
            chosen_at=cursor.chosen_at,
            waited_seconds=run.now - cursor.queued_at,
            after_talk=FlowId(node.after_talk) if node.after_talk else None,
            language=cursor.language,
        )
    )
    begin_announcing(run, node)


def _transfer(run: Run, node: Transfer) -> None:
    variables = run.cursor.variables
    number = node.number or variables.get(node.number_of or "", "")
    agent = node.agent or variables.get(node.agent_of or "", "")
    if not number and not agent:
        run.next = node.on_error
        return
    run.ask(
        TransferCaller(
            number=number,
            trunk=TrunkId(node.trunk) if node.trunk else None,
            agent=AgentId(agent) if agent else None,
            record=node.record,
        )
    )
