"""Orders that people give to control are audited before they are acknowledged: who, what, to whom."""

from __future__ import annotations

import structlog

from ccplatform.contracts.commands import (
    Answer,
    CancelCallBack,
    Command,
    ConsultCall,
    ControlParties,
    ControlRecording,
    Done,
    Drain,
    DropParty,
    HandOutMessage,
    HangUpCall,
    HoldCall,
    MarkMessage,
    MoveCall,
    MoveCallBack,
    PickUpCall,
    PromiseCallBack,
    SendCallDigits,
    SetAgentState,
    SuperviseCall,
)
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import CallId
from ccplatform.kernel.errors import Unavailable
from ccplatform.security.audit import Audit
from cti.live import LiveView

_log = structlog.get_logger("audit")


class AuditedControl:
    """The Control port of routes.

    What agents do to their own state and calls is in the journal already; changes of settings are audited with
    before and after by :mod:`ccplatform.configuration.changes`.
    """

    def __init__(self, *, control: Control, audit: Audit, live: LiveView) -> None:
        self._control = control
        self._audit = audit
        self._live = live

    async def ask(self, command: Command) -> Answer:
        """See :class:`~ccplatform.contracts.ports.Control`."""
        before = self._entry(command)  # a call may be gone afterwards
        answer = await self._control.ask(command)
        if before is not None and isinstance(answer, Done) and not answer.repeated:
            by, action, target, detail = before
            try:
                await self._audit.record(subject=by, action=action, object=target, result="ok", detail=detail)
            except Unavailable as error:  # a state change is refused without the database, a hang-up is not
                _log.error("not audited", subject=by, action=action, object=target, reason=str(error))
        return answer

    def _entry(self, command: Command) -> tuple[str, str, str, dict[str, object]] | None:
        match command:
            case SetAgentState(agent=agent, by=by) if agent != by:
                detail: dict[str, object] = {
                    "state": command.state,
                    "reason": command.reason,
                    "seat": command.seat,
                }
                return by, "agent.state", agent, detail
            case HangUpCall(call=call, by=by) if not self._own(call, by):
                return by, "call.hang_up", call, {}
            case HoldCall(call=call, by=by) if not self._own(call, by):
                return by, "call.hold" if command.hold else "call.retrieve", call, {}
            case MoveCall(call=call, by=by):
                return by, "call.move", call, {"queue": command.queue}
            case ConsultCall(call=call, by=by) if not self._own(call, by):
                return by, "call.transfer" if command.transfer else "call.consult", call, {}
            case ControlParties(call=call, by=by) if not self._own(call, by):
                return by, f"call.{command.act}", call, {}
            case DropParty(call=call, by=by) if not self._own(call, by):
                return by, "call.drop", call, {"party": command.leg}
            case SuperviseCall(call=call, by=by):
                return by, f"call.{command.what}", call, {"seat": command.seat}
            case ControlRecording(call=call, by=by):
                return by, f"recording.{command.act}", call, {"reason": command.reason}
            case PickUpCall(call=call, by=by):
                return by, "call.pick_up", call, {"agent": command.agent}
            case SendCallDigits(call=call, by=by) if not self._own(call, by):
                return by, "call.dtmf", call, {}
            case PromiseCallBack(queue=queue, by=by):
                return by, "call_back.promise", queue, {}
            case CancelCallBack(call_back=name, by=by):
                return by, "call_back.cancel", name, {}
            case MoveCallBack(call_back=name, by=by):
                return by, "call_back.move", name, {"not_before": command.not_before.isoformat()}
            case MarkMessage(message=name, by=by):
                return by, "message.mark", name, {"state": command.state, "mailbox": command.mailbox}
            case HandOutMessage(message=name, by=by):
                return by, "message.hand_out", name, {"from": command.mailbox, "to": command.to}
            case Drain(by=by):
                return by, "node.drain", "", {}
            case _:
                return None

    def _own(self, call: CallId, by: str) -> bool:
        row = self._live.calls.get(call)
        return row is not None and row.agent == by
