"""Commands that come into the control process from the web process (imperative), and their answers.

``key`` is the client's own for an order of a person, ``by``: said again with the same key, it is not carried out
again and has the first answer (:mod:`ccplatform.app.once`).
"""

from __future__ import annotations

from typing import TypeAlias, get_args

from ccplatform.contracts.commands.agents import ExtendWrapUp as ExtendWrapUp
from ccplatform.contracts.commands.agents import FinishWrapUp as FinishWrapUp
from ccplatform.contracts.commands.agents import NoteContact as NoteContact
from ccplatform.contracts.commands.agents import SetAgentState as SetAgentState
from ccplatform.contracts.commands.answers import ANSWERS as ANSWERS
from ccplatform.contracts.commands.answers import Answer as Answer
from ccplatform.contracts.commands.answers import Done as Done
from ccplatform.contracts.commands.answers import Refused as Refused
from ccplatform.contracts.commands.calls import CallCommand as CallCommand
from ccplatform.contracts.commands.calls import ConsultCall as ConsultCall
from ccplatform.contracts.commands.calls import ControlParties as ControlParties
from ccplatform.contracts.commands.calls import ControlRecording as ControlRecording
from ccplatform.contracts.commands.calls import DropParty as DropParty
from ccplatform.contracts.commands.calls import HangUpCall as HangUpCall
from ccplatform.contracts.commands.calls import HoldCall as HoldCall
from ccplatform.contracts.commands.calls import MakeCall as MakeCall
from ccplatform.contracts.commands.calls import MoveCall as MoveCall
from ccplatform.contracts.commands.calls import PickUpCall as PickUpCall
from ccplatform.contracts.commands.calls import SendCallDigits as SendCallDigits
from ccplatform.contracts.commands.calls import SuperviseCall as SuperviseCall
from ccplatform.contracts.commands.configuring import Configure as Configure
from ccplatform.contracts.commands.configuring import ReloadAccess as ReloadAccess
from ccplatform.contracts.commands.configuring import ReloadCallingRules as ReloadCallingRules
from ccplatform.contracts.commands.configuring import ReloadFlows as ReloadFlows
from ccplatform.contracts.commands.configuring import ReloadRecordingRules as ReloadRecordingRules
from ccplatform.contracts.commands.configuring import Setting as Setting
from ccplatform.contracts.commands.operation import AcknowledgeAlarm as AcknowledgeAlarm
from ccplatform.contracts.commands.operation import ClearAlarm as ClearAlarm
from ccplatform.contracts.commands.operation import Drain as Drain
from ccplatform.contracts.commands.operation import GetAccess as GetAccess
from ccplatform.contracts.commands.operation import GetHealth as GetHealth
from ccplatform.contracts.commands.operation import LiftBan as LiftBan
from ccplatform.contracts.commands.operation import OrderMysteryCall as OrderMysteryCall
from ccplatform.contracts.commands.operation import RaiseAlarm as RaiseAlarm
from ccplatform.contracts.commands.operation import ReportMysteryCall as ReportMysteryCall
from ccplatform.contracts.commands.operation import ResetPort as ResetPort
from ccplatform.contracts.commands.operation import ResetSeat as ResetSeat
from ccplatform.contracts.commands.operation import ResetTrunk as ResetTrunk
from ccplatform.contracts.commands.waiting import CancelCallBack as CancelCallBack
from ccplatform.contracts.commands.waiting import HandOutMessage as HandOutMessage
from ccplatform.contracts.commands.waiting import MarkMessage as MarkMessage
from ccplatform.contracts.commands.waiting import MoveCallBack as MoveCallBack
from ccplatform.contracts.commands.waiting import PromiseCallBack as PromiseCallBack
from ccplatform.kernel.codec import Codec

Command: TypeAlias = (
    SetAgentState
    | ExtendWrapUp
    | FinishWrapUp
    | NoteContact
    | MakeCall
    | CallCommand
    | PromiseCallBack
    | CancelCallBack
    | MoveCallBack
    | MarkMessage
    | HandOutMessage
    | Configure
    | RaiseAlarm
    | ClearAlarm
    | AcknowledgeAlarm
    | OrderMysteryCall
    | ReportMysteryCall
    | GetHealth
    | Drain
    | GetAccess
    | ReloadAccess
    | ReloadFlows
    | ReloadCallingRules
    | ReloadRecordingRules
    | ResetTrunk
    | ResetPort
    | ResetSeat
    | LiftBan
)

#: Encodes and decodes every command.
COMMANDS: Codec[Command] = Codec(get_args(Command))
