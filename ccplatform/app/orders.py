"""Commands of people, carried out in the control process."""

from __future__ import annotations

from typing import Any, assert_never

from ccplatform.app.access_layer import media_health
from ccplatform.app.control_process import ControlProcess
from ccplatform.contracts.commands import (
    AcknowledgeAlarm,
    Answer,
    CancelCallBack,
    ClearAlarm,
    Command,
    Configure,
    ConsultCall,
    ControlParties,
    ControlRecording,
    Done,
    Drain,
    DropParty,
    ExtendWrapUp,
    FinishWrapUp,
    GetAccess,
    GetHealth,
    HandOutMessage,
    HangUpCall,
    HoldCall,
    LiftBan,
    MakeCall,
    MarkMessage,
    MoveCall,
    MoveCallBack,
    NoteContact,
    OrderMysteryCall,
    PickUpCall,
    PromiseCallBack,
    RaiseAlarm,
    ReloadAccess,
    ReloadCallingRules,
    ReloadFlows,
    ReloadRecordingRules,
    ReportMysteryCall,
    ResetPort,
    ResetSeat,
    ResetTrunk,
    SendCallDigits,
    SetAgentState,
    SuperviseCall,
)
from ccplatform.contracts.facts import ContactNoted, MysteryCallOrdered
from ccplatform.kernel.errors import Unavailable
from ccplatform.storage.database import Database
from gateway.commands import describe as describe_access
from gateway.commands import execute as access_command


class Orders:
    """Finds the part that a command is for."""

    def __init__(self, *, control: ControlProcess, database: Database) -> None:
        self._control = control
        self._database = database

    async def execute(self, command: Command) -> Answer:
        """Carry it out; refusals are answers or errors that the link turns into answers."""
        control = self._control
        match command:
            case SetAgentState():
                return await control.acd.desk.set_agent_state(command)
            case (
                HangUpCall()
                | HoldCall()
                | SendCallDigits()
                | MoveCall()
                | PickUpCall()
                | ConsultCall()
                | ControlParties()
                | DropParty()
                | SuperviseCall()
                | ControlRecording()
            ):
                return control.calls.command(command)
            case MakeCall():
                return control.calls.make_call(command)
            case ExtendWrapUp():
                return control.acd.extend_wrap_up(command)
            case FinishWrapUp():
                return control.acd.finish_wrap_up(command)
            case NoteContact():
                return await self._note(command)
            case PromiseCallBack() | CancelCallBack() | MoveCallBack():
                return await control.call_backs.command(command)
            case MarkMessage() | HandOutMessage():
                return await control.messages.command(command)
            case Configure():
                return await control.administration.configure(command)
            case RaiseAlarm() | ClearAlarm() | AcknowledgeAlarm():
                return control.alarms.perform(command)
            case ReportMysteryCall():
                control.stream.publish(command.call)
                if command.compared is not None:
                    control.stream.publish(command.compared)
                return Done()
            case OrderMysteryCall():
                control.stream.publish(MysteryCallOrdered(by=command.by))
                return Done()
            case GetHealth():
                return Done(result=self._health())
            case Drain():
                control.draining = True
                return Done()
            case GetAccess() | ReloadAccess() | ResetTrunk() | ResetPort() | ResetSeat() | LiftBan():
                return await access_command(control.gateway, command)
            case ReloadFlows():
                await control.flows.load()
                return Done()
            case ReloadCallingRules():
                control.calls.take_calling_rules(await control.calling.rules())
                return Done()
            case ReloadRecordingRules():
                await control.load_recording_rules()
                return Done()
            case _:
                assert_never(command)

    async def _note(self, command: NoteContact) -> Answer:
        """What an agent noted is committed before he is told so."""
        if not self._database.available:
            raise Unavailable("notes are kept in the database, which is away")
        fact = ContactNoted(
            contact=command.contact,
            queue=command.queue,
            agent=command.agent,
            disposition=command.disposition,
            disposition_name=command.disposition_name,
            note=command.note,
        )
        self._control.stream.publish(fact)
        await self._control.journal.flushed()
        return Done()

    def _health(self) -> dict[str, Any]:
        control = self._control
        return {
            "takes_calls": control.refuses_calls() is None,
            "reason": self._reason(),
            "draining": control.draining,
            "database": self._database.available,
            "journal_backlog": control.journal.backlog,
            "calls": control.calls.active,
            "overload": {
                "level": int(control.gateway.overload.level),
                "refused": control.gateway.overload.refused,
            },
            "workers": media_health(control.media),
            "ivr": control.speech.health(),
            "channels": {
                trunk.id: control.gateway.channels.in_use(trunk.id) for trunk in control.gateway.trunks.all()
            },
            "access": describe_access(control.gateway),
            "trunks": [trunk.id for trunk in control.gateway.trunks.all()],
        }

    def _reason(self) -> str:
        control = self._control
        if control.draining:
            return "draining"
        if control.journal.full:
            return "the journal's buffer is full"
        return "" if control.worker_ready else "no media worker"
