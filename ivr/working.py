"""The part of the interpreter that asks others: data queries, stored call-backs, the agents' desk."""

from __future__ import annotations

from ccplatform.contracts.facts import CallBackRequested
from ccplatform.contracts.words import AgentId, QueueId, SeatId
from ivr.model import Agent, CallBack, Hours, Messages, Query, WorkingNode
from ivr.run import Run
from ivr.session import Phase, QueryResult
from ivr.work import (
    AskDesk,
    AskHours,
    CallBackStored,
    DeskDone,
    DeskRefused,
    FetchMessage,
    HoursFound,
    MarkMessage,
    MessageFetched,
    QueryAnswer,
    RunQuery,
    StoreCallBack,
    Work,
    WorkFailed,
    WorkResult,
)

#: How long a stored call-back or the agents' desk may take, seconds; queries have their own limit.
WORK_SECONDS = 6.0


def work(run: Run, node: WorkingNode) -> None:
    """Ask for the node's work."""
    cursor = run.cursor
    cursor.ticket += 1
    cursor.phase, cursor.deadline = Phase.WORKING, run.now + WORK_SECONDS
    if isinstance(node, Query):
        cursor.deadline = run.now + node.timeout
        cursor.asked_at = run.now if cursor.keyed_at is None else cursor.keyed_at
    if isinstance(node, Messages) and node.action != "next" and cursor.last_message is None:
        run.next = node.on_none
        return
    run.out.append(_order(run, node))


def work_done(run: Run, node: WorkingNode, event: WorkResult) -> None:
    """An answer to the work under way."""
    match event, node:
        case WorkFailed(), _:
            work_failed(run, node)
        case QueryAnswer(), Query():
            _query_answered(run, node, event)
        case CallBackStored(), CallBack():
            run.cursor.call_back = True
            run.tell(
                CallBackRequested(
                    contact=run.contact,
                    call_back=event.call_back,
                    queue=QueueId(node.queue),
                    number=run.cursor.variables.get(node.number_of, ""),
                )
            )
            run.next = node.next
        case DeskDone(), Agent():
            run.cursor.delivered = True
            run.next = node.next
        case DeskRefused(), Agent():
            run.next = node.on_refused
        case HoursFound(), Hours():
            run.next = node.on_open if event.open else node.on_closed
        case MessageFetched(), Messages():
            _message_fetched(run, node, event)
        case DeskDone(), Messages():
            run.next = node.next
        case DeskRefused(), Messages():
            run.next = node.on_none
        case _:
            pass


def work_failed(run: Run, node: WorkingNode) -> None:
    """The work failed or took too long: a late answer is no longer waited for."""
    run.cursor.ticket += 1
    if isinstance(node, Query):
        run.query_unheard(_result(run, node, found=False))
    run.next = node.on_error


def _order(run: Run, node: WorkingNode) -> Work:
    ticket, variables, secure = run.cursor.ticket, run.cursor.variables, run.cursor.secure
    match node:
        case Query():
            parameters = {name: variables.get(variable, "") for name, variable in node.parameters.items()}
            secret = frozenset(name for name, variable in node.parameters.items() if variable in secure)
            return RunQuery(ticket=ticket, query=node.query, parameters=parameters, secret=secret)
        case CallBack():
            cursor = run.cursor
            kept = cursor.queued_at if cursor.queued_in == node.queue else None
            return StoreCallBack(
                ticket=ticket,
                queue=QueueId(node.queue),
                number=variables.get(node.number_of, ""),
                priority=cursor.priority,
                waited_seconds=0.0 if kept is None else run.now - kept,
            )
        case Hours():
            return AskHours(ticket=ticket, calendar=node.calendar)
        case Messages():
            seat, message = SeatId(variables.get("seat", "")), run.cursor.last_message
            if node.action == "next" or message is None:
                return FetchMessage(ticket=ticket, seat=seat)
            return MarkMessage(ticket=ticket, seat=seat, message=message, action=node.action)
        case Agent():
            return AskDesk(
                ticket=ticket,
                action=node.action,
                seat=SeatId(variables.get("seat", "")),
                agent=AgentId(variables.get(node.agent_of or "", "")),
                pin=variables.get(node.pin_of or "", ""),
                reason=node.reason,
            )


def _message_fetched(run: Run, node: Messages, event: MessageFetched) -> None:
    cursor = run.cursor
    cursor.delivered, cursor.last_message = True, event.message
    cursor.variables["message_count"] = str(event.count)
    cursor.variables["message_caller"] = event.caller
    cursor.variables["message_time"] = event.left_at
    run.next = node.next


def _query_answered(run: Run, node: Query, event: QueryAnswer) -> None:
    run.cursor.result = _result(run, node, found=event.row is not None)
    if event.row is None:
        run.next = node.on_missing
        return
    for variable, column in node.results.items():
        run.cursor.variables[variable] = event.row.get(column, "")
    run.next = node.on_found


def _result(run: Run, node: Query, *, found: bool) -> QueryResult:
    source = run.sources.get(node.query, "")
    return QueryResult(node=run.cursor.node, source=source, keyed_at=run.cursor.asked_at, found=found)
