"""Facts: what happened, in the past tense, stored once in the journal.

Call facts carry CSTA names (Delivered, Established, Held, …). A field made with :func:`personal` identifies a
person or is something a person keyed in; the journal seals it under the key of its contact. A fact whose class
says ``LIVE = False`` is journalled but not sent to live subscribers. Durations are seconds.
"""

from __future__ import annotations

from typing import TypeAlias, get_args

from ccplatform.contracts.facts.calls import CallAnswered as CallAnswered
from ccplatform.contracts.facts.calls import CallerReferred as CallerReferred
from ccplatform.contracts.facts.calls import CallRefused as CallRefused
from ccplatform.contracts.facts.calls import CallsRefused as CallsRefused
from ccplatform.contracts.facts.calls import Conferenced as Conferenced
from ccplatform.contracts.facts.calls import ConnectionCleared as ConnectionCleared
from ccplatform.contracts.facts.calls import ContactArrived as ContactArrived
from ccplatform.contracts.facts.calls import ContactEnded as ContactEnded
from ccplatform.contracts.facts.calls import Delivered as Delivered
from ccplatform.contracts.facts.calls import Diverted as Diverted
from ccplatform.contracts.facts.calls import Established as Established
from ccplatform.contracts.facts.calls import Failed as Failed
from ccplatform.contracts.facts.calls import FirstVoiceSent as FirstVoiceSent
from ccplatform.contracts.facts.calls import Held as Held
from ccplatform.contracts.facts.calls import LegMeasured as LegMeasured
from ccplatform.contracts.facts.calls import MediaMoved as MediaMoved
from ccplatform.contracts.facts.calls import Originated as Originated
from ccplatform.contracts.facts.calls import Retrieved as Retrieved
from ccplatform.contracts.facts.calls import Transferred as Transferred
from ccplatform.contracts.facts.ivr import BotTalkBegan as BotTalkBegan
from ccplatform.contracts.facts.ivr import BotTalkEnded as BotTalkEnded
from ccplatform.contracts.facts.ivr import BotTurn as BotTurn
from ccplatform.contracts.facts.ivr import CallBackRequested as CallBackRequested
from ccplatform.contracts.facts.ivr import FlowEntered as FlowEntered
from ccplatform.contracts.facts.ivr import FlowLeft as FlowLeft
from ccplatform.contracts.facts.ivr import FlowNodeEntered as FlowNodeEntered
from ccplatform.contracts.facts.ivr import KeyAnswered as KeyAnswered
from ccplatform.contracts.facts.ivr import KeysEntered as KeysEntered
from ccplatform.contracts.facts.ivr import QueryAnswered as QueryAnswered
from ccplatform.contracts.facts.ivr import SpeechHeard as SpeechHeard
from ccplatform.contracts.facts.ivr import SurveyAnswered as SurveyAnswered
from ccplatform.contracts.facts.ivr import SurveyBegun as SurveyBegun
from ccplatform.contracts.facts.messages import MailboxChanged as MailboxChanged
from ccplatform.contracts.facts.messages import MessageDropped as MessageDropped
from ccplatform.contracts.facts.messages import MessageHandedOut as MessageHandedOut
from ccplatform.contracts.facts.messages import MessageLeft as MessageLeft
from ccplatform.contracts.facts.messages import MessageMarked as MessageMarked
from ccplatform.contracts.facts.operation import AlarmAcknowledged as AlarmAcknowledged
from ccplatform.contracts.facts.operation import AlarmCleared as AlarmCleared
from ccplatform.contracts.facts.operation import AlarmRaised as AlarmRaised
from ccplatform.contracts.facts.operation import SipMessageSeen as SipMessageSeen
from ccplatform.contracts.facts.operation import TrunkChannelsChanged as TrunkChannelsChanged
from ccplatform.contracts.facts.personal import personal as personal
from ccplatform.contracts.facts.personal import personal_fields as personal_fields
from ccplatform.contracts.facts.proof import MysteryCallCompared as MysteryCallCompared
from ccplatform.contracts.facts.proof import MysteryCallMade as MysteryCallMade
from ccplatform.contracts.facts.proof import MysteryCallOrdered as MysteryCallOrdered
from ccplatform.contracts.facts.queues import AgentRemoved as AgentRemoved
from ccplatform.contracts.facts.queues import AgentSaved as AgentSaved
from ccplatform.contracts.facts.queues import AgentStateChanged as AgentStateChanged
from ccplatform.contracts.facts.queues import CallBackBegun as CallBackBegun
from ccplatform.contracts.facts.queues import CallBackEnded as CallBackEnded
from ccplatform.contracts.facts.queues import ContactNoted as ContactNoted
from ccplatform.contracts.facts.queues import Offered as Offered
from ccplatform.contracts.facts.queues import OfferEnded as OfferEnded
from ccplatform.contracts.facts.queues import Queued as Queued
from ccplatform.contracts.facts.queues import QueueLeft as QueueLeft
from ccplatform.contracts.facts.queues import QueueRemoved as QueueRemoved
from ccplatform.contracts.facts.queues import QueueSaved as QueueSaved
from ccplatform.contracts.facts.queues import SeatRegistered as SeatRegistered
from ccplatform.contracts.facts.queues import SeatUnregistered as SeatUnregistered
from ccplatform.contracts.facts.queues import TalkEnded as TalkEnded
from ccplatform.contracts.facts.queues import WrapUpEnded as WrapUpEnded
from ccplatform.contracts.facts.queues import WrapUpExtended as WrapUpExtended
from ccplatform.contracts.facts.recordings import RecordingAnnounced as RecordingAnnounced
from ccplatform.contracts.facts.recordings import RecordingDayProved as RecordingDayProved
from ccplatform.contracts.facts.recordings import RecordingEnded as RecordingEnded
from ccplatform.contracts.facts.recordings import RecordingGap as RecordingGap
from ccplatform.contracts.facts.recordings import RecordingLeftToPeople as RecordingLeftToPeople
from ccplatform.contracts.facts.recordings import RecordingPaused as RecordingPaused
from ccplatform.contracts.facts.recordings import RecordingResumed as RecordingResumed
from ccplatform.contracts.facts.recordings import RecordingStarted as RecordingStarted
from ccplatform.contracts.facts.recordings import RecordingStopped as RecordingStopped
from ccplatform.contracts.words import ContactId
from ccplatform.kernel.codec import Codec
from ccplatform.kernel.stream import Event

Fact: TypeAlias = (
    ContactArrived
    | CallRefused
    | CallsRefused
    | Originated
    | CallAnswered
    | FirstVoiceSent
    | Delivered
    | Established
    | Held
    | Retrieved
    | Transferred
    | CallerReferred
    | Conferenced
    | Diverted
    | Failed
    | ConnectionCleared
    | MediaMoved
    | LegMeasured
    | ContactEnded
    | FlowEntered
    | FlowNodeEntered
    | KeysEntered
    | KeyAnswered
    | QueryAnswered
    | SurveyAnswered
    | MysteryCallCompared
    | MysteryCallMade
    | MysteryCallOrdered
    | SurveyBegun
    | SpeechHeard
    | BotTalkBegan
    | BotTurn
    | BotTalkEnded
    | FlowLeft
    | CallBackRequested
    | CallBackBegun
    | CallBackEnded
    | Queued
    | QueueLeft
    | Offered
    | OfferEnded
    | TalkEnded
    | WrapUpExtended
    | WrapUpEnded
    | ContactNoted
    | AgentStateChanged
    | AgentSaved
    | AgentRemoved
    | QueueSaved
    | QueueRemoved
    | SeatRegistered
    | SeatUnregistered
    | RecordingLeftToPeople
    | RecordingStarted
    | RecordingAnnounced
    | RecordingStopped
    | RecordingPaused
    | RecordingResumed
    | RecordingEnded
    | RecordingGap
    | RecordingDayProved
    | MessageLeft
    | MessageDropped
    | MessageMarked
    | MessageHandedOut
    | MailboxChanged
    | AlarmRaised
    | AlarmCleared
    | AlarmAcknowledged
    | TrunkChannelsChanged
    | SipMessageSeen
)

FactEvent: TypeAlias = Event[Fact]

#: Encodes and decodes every fact.
FACTS: Codec[Fact] = Codec(get_args(Fact))


def contact_of(fact: Fact) -> ContactId | None:
    """The contact a fact belongs to, or None."""
    return getattr(fact, "contact", None)


def is_live(fact: Fact | type[Fact]) -> bool:
    """Whether live subscribers (pages, metrics) get this fact."""
    return bool(getattr(fact, "LIVE", True))
