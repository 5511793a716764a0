"""What the desk side looks like from outside: the models of REST bodies, which are also the live rows.

TypeScript types are generated from these. Times are RFC 3339 with zone, durations seconds.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, Literal, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from ccplatform.contracts.words import AgentState, Direction, Severity
from ccplatform.operations.orders import Once
from cti.model import CallStage, Recorded

ItemT = TypeVar("ItemT")

#: The time of examples.
WHEN = datetime.fromisoformat("2026-01-05T09:00:00+00:00")


class Model(BaseModel):
    """Base of everything here: unknown fields are an error, both ways."""

    model_config = ConfigDict(extra="forbid")


class Page(Model, Generic[ItemT]):
    """A list; ``next_cursor`` asks for what follows, null at the end."""

    items: list[ItemT]
    next_cursor: str | None = Field(None, description="Pass as `cursor` for the next page; null: no more.")


class Agent(Model):
    """An agent (工号) and what he does now."""

    id: str = Field(description="Agent number (工号).", examples=["1004"])
    name: str = Field(examples=["Wang"])
    team: str = Field(description="'' when in no team.", examples=["support"])
    skills: dict[str, int] = Field(description="Level 1–10 by skill.", examples=[{"support": 8}])
    state: AgentState
    reason: str = Field(description="Why not ready, '' if none given.", examples=["lunch"])
    since: AwareDatetime | None = Field(description="When the state began.", examples=[WHEN])
    until: AwareDatetime | None = Field(
        None, description="When it ends by itself (an offer, a wrap-up); null: it does not.", examples=[WHEN]
    )
    seat: str | None = Field(description="Seat (座席号) signed in at.", examples=["seat-04"])
    contact: str | None = Field(description="The contact he is offered, talks with or wraps up.")
    new_messages: int = Field(description="Voice messages in his own mailbox that nobody heard.", examples=[1])
    heard_messages: int = Field(description="Heard there, and not handled.", examples=[0])


class ServiceLevel(Model):
    """Service level since local midnight (D-SL): answered within the target time over all offered.

    Offered = answered + abandoned; contacts still waiting or moved elsewhere are left out.
    """

    target_seconds: float = Field(examples=[20.0])
    target_share: float = Field(description="0–1.", examples=[0.8])
    answered_in_time: int = Field(examples=[40])
    offered: int = Field(examples=[45])
    value: float | None = Field(description="0–1; null before the first contact.", examples=[0.889])


class Queue(Model):
    """A queue (技能组) now."""

    id: str = Field(examples=["support"])
    name: str = Field(examples=["Support"])
    waiting: int = Field(description="Contacts waiting.", examples=[3])
    waiting_since: AwareDatetime | None = Field(
        description="When the contact that waits longest began to wait; null when nobody waits.", examples=[WHEN]
    )
    expected_wait: float | None = Field(
        description="Estimated wait of a contact entering now, seconds; null while unknown.", examples=[42.0]
    )
    agents: dict[AgentState, int] = Field(description="Agents with the queue's skills, by state.")
    service_level: ServiceLevel
    answered_today: int = Field(examples=[45])
    abandoned_today: int = Field(examples=[2])
    new_messages: int = Field(description="Voice messages for the queue that nobody heard.", examples=[3])
    heard_messages: int = Field(description="Heard, and not handled.", examples=[1])


class QueueDetail(Queue):
    """A queue as REST answers it."""

    longest_wait: float = Field(
        description="Age of the contact that waits longest, seconds; 0 when nobody waits.", examples=[41.0]
    )


class Party(Model):
    """Somebody in a conference."""

    leg: str
    device: str = Field(description="A seat, or a number.", examples=["seat-05"])
    agent: str | None = Field(examples=["1005"])


class Call(Model):
    """A live call; numbers are masked for those who may not see them."""

    id: str = Field(examples=["019b8d6e-7a10-7c3e-8a55-0d6f6f1c2b3a"])
    contact: str = Field(examples=["019b8d6e-7a10-7c3e-8a55-0d6f6f1c2b39"])
    direction: Direction
    caller: str = Field(examples=["13800000001", "138****0001"])
    caller_name: str = Field(examples=["张伟"])
    dialled: str = Field(examples=["95000"])
    stage: CallStage
    since: AwareDatetime = Field(description="When the stage began.", examples=[WHEN])
    started: AwareDatetime = Field(examples=[WHEN])
    queue: str | None = Field(description="The queue waited in, or last answered from.", examples=["support"])
    queued_at: AwareDatetime | None = Field(description="When the wait began.", examples=[WHEN])
    offered_at: AwareDatetime | None = Field(description="When it was offered to the agent.", examples=[WHEN])
    agent: str | None = Field(examples=["1004"])
    seat: str | None = Field(examples=["seat-04"])
    consult_of: str | None = Field(None, description="The contact that somebody is consulted about by this call.")
    parties: list[Party] = Field(default_factory=list, description="Who is in the conference besides the two.")
    recorded: Recorded = Field(description="Whether its talk is recorded now.")
    on_demand: bool = Field(description="Whether its agent, or a supervisor, may start and stop the recording.")
    paused_by: str = Field(description="Who paused the recording; '' else.", examples=["", "1004"])
    cause: str = Field(description="Why nobody answered whom an agent called; '' else.", examples=["", "busy"])


class Seat(Model):
    """A seat (座席号) whose phone was heard of since the start."""

    id: str = Field(examples=["seat-04"])
    registered: bool = Field(description="Whether its phone can ring.")
    since: AwareDatetime = Field(examples=[WHEN])
    transport: str = Field(examples=["udp"])
    user_agent: str = Field(examples=["baresip"])


class LiveAlarm(Model):
    """An alarm that is up (R10.4.c)."""

    id: str
    kind: str = Field(examples=["database_unavailable"])
    subject: str = Field(examples=[""])
    severity: Severity
    text: str
    since: AwareDatetime = Field(examples=[WHEN])
    acknowledged_by: str | None


class Live(Model):
    """The whole live view."""

    agents: list[Agent]
    queues: list[Queue]
    calls: list[Call]
    seats: list[Seat]
    alarms: list[LiveAlarm]


class CustomerCard(Model):
    """A customer as the agent sees him."""

    account: str = Field(examples=["600001"])
    phone: str = Field(description="As stored: national, or with + for foreign numbers.", examples=["13800000001"])
    name: str = Field(examples=["张伟"])
    name_latin: str = Field(examples=["Zhang Wei"])
    level: str = Field(examples=["gold"])
    city: str = Field(examples=["杭州"])
    note: str
    version: int = Field(description="Counts its changes; `If-Match` takes it in quotes.", examples=[3])


class WantedCustomer(Model):
    """A customer as he shall be kept."""

    phone: str = Field(min_length=2, max_length=40, description="As people write it.", examples=["13800000001"])
    name: str = Field(min_length=1, max_length=200, examples=["张伟"])
    name_latin: str = Field("", max_length=200, examples=["Zhang Wei"])
    level: str = Field("", max_length=32, examples=["gold"])
    city: str = Field("", max_length=100, examples=["杭州"])
    note: str = Field("", max_length=2000)


class CustomerChange(Model):
    """Who changed a customer's card, when, from what to what."""

    at: AwareDatetime = Field(examples=[WHEN])
    by: str = Field(examples=["1004"])
    before: dict[str, str] | None = Field(description="null: he entered it.")
    after: dict[str, str]


class PastNote(Model):
    """What an agent noted of an earlier contact."""

    agent: str = Field(examples=["1004"])
    disposition_name: str = Field(description="What it came to, '' if nobody said.", examples=["Solved"])
    note: str
    at: AwareDatetime = Field(examples=[WHEN])


class PastContact(Model):
    """An earlier contact with the same number."""

    contact: str
    at: AwareDatetime = Field(examples=[WHEN])
    queue: str | None = Field(examples=["support"])
    agent: str | None = Field(examples=["1004"])
    outcome: str = Field(examples=["handled"])
    notes: list[PastNote] = []


class SpokenTurn(Model):
    """What the caller or a voice bot said before the offer, as the bot tells it; card numbers are masked."""

    at: AwareDatetime = Field(examples=[WHEN])
    speaker: Literal["caller", "bot"]
    text: str = Field(examples=["My card is lost."])


class FlowStep(Model):
    """A node that the caller came to before the offer."""

    at: AwareDatetime = Field(examples=[WHEN])
    flow: str = Field(examples=["main"])
    node: str = Field(examples=["language"])
    kind: str = Field(examples=["menu"])
    entered: str = Field(description="Keys or words that he answered with, '' for none.", examples=["2"])
    hidden: int = Field(description="How many keys he entered secretly; they are shown to nobody.", examples=[0])
    found: bool | None = Field(description="Whether a query there had an answer; null: none was made.")


class OpenCallBack(Model):
    """A promise to call this number back that is still to be kept."""

    id: str
    queue: str = Field(examples=["support"])
    created_at: AwareDatetime = Field(examples=[WHEN])
    not_before: AwareDatetime = Field(examples=[WHEN])
    attempts: int = Field(examples=[0])


class CrmLink(Model):
    """A page of the operator's CRM about the call, or about one of its customers."""

    name: str = Field(examples=["CRM"])
    url: str = Field(examples=["https://crm.example.com/customers/600001"])
    account: str = Field(description="The customer whom it is about; '': it is about the call.")


class ScriptStep(Model):
    """One step of a script."""

    title: str = Field(examples=["Greeting"])
    text: str


class CallScript(Model):
    """What the agent is to say and do."""

    id: str = Field(examples=["support-first"])
    name: str = Field(examples=["First call"])
    steps: list[ScriptStep]


class ScreenPop(Model):
    """What an agent sees at the offer, before he answers (R10.1.b)."""

    contact: str
    call: str
    stage: CallStage
    caller: str = Field(examples=["13800000001"])
    caller_name: str
    dialled: str = Field(examples=["95000"])
    queue: str | None = Field(examples=["support"])
    queue_name: str | None = Field(examples=["Support"])
    waited: float | None = Field(description="From entering the queue to the offer, seconds.", examples=[19.0])
    customers: list[CustomerCard] = Field(description="Every customer with this number, best known first.")
    last_contacts: list[PastContact] = Field(description="Newest first.")
    conversation: list[SpokenTurn] = Field(description="With a voice bot, the last 50 turns in order.")
    path: list[FlowStep] = Field(description="The last 50 steps in flows, in order.")
    call_backs: list[OpenCallBack] = Field(description="To this number, the next first, five at most.")
    links: list[CrmLink] = Field(description="Those configured for its queue, in order.")
    script: CallScript | None = Field(description="That of its queue, if one is configured.")
    looked_up: bool = Field(description="False: the directory is away, customers and contacts are unknown.")


class ReasonChoice(Model):
    """Why an agent may say that he is not ready."""

    id: str = Field(examples=["lunch"])
    name: str = Field(examples=["Lunch"])


class SetState(Once):
    """A wish for a state. Signing in is `not_ready` with a `seat`."""

    state: Literal["ready", "not_ready", "signed_out"]
    reason: str = Field(
        "", max_length=64, description="A configured one, for `not_ready`; '': none.", examples=["lunch"]
    )
    seat: str | None = Field(None, min_length=1, max_length=64, examples=["seat-04"])


class Digits(Once):
    """Keys to send."""

    digits: str = Field(pattern=r"^[0-9A-D*#]{1,32}$", examples=["123#"])


class CallOut(Once):
    """Whom to call. The agent's phone rings first."""

    to: str = Field(
        min_length=2, max_length=40, description="A number, as people write it.", examples=["13800000001"]
    )
    agent: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        None, description="Whose phone; null: the caller of this route himself. An agent can only be himself."
    )
    caller_id: str = Field(
        "", max_length=40, description="Number to show, one of the centre's, or `anonymous`; '': as configured."
    )
    queue: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        None, description="The queue for which is called: its number is shown."
    )
    customer: str = Field("", max_length=64, description="Account of the customer, kept with the contact.")


class CallMade(Model):
    """A call that began; its progress comes by the event socket."""

    call: str
    contact: str


class Listening(Once):
    """By which phone a supervisor listens."""

    seat: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        None, description="null: the seat that he is signed in at.", examples=["seat-09"]
    )


class RecordingWish(Once):
    """Why a recording is started or stopped, if somebody says so."""

    reason: str = Field("", max_length=200, description="Kept with it.", examples=["complaint"])


class RecordingPause(Once):
    """Why a recording is paused."""

    reason: str = Field(min_length=1, max_length=200, description="Kept with it.", examples=["card number"])


class Somebody(Once):
    """Who is called about a caller, or gets him: one of the four."""

    queue: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(None, examples=["support"])
    agent: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(None, description="工号, signed in.")
    seat: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(None, description="座席号")
    number: Annotated[str, Field(pattern=r"^\+?[0-9*#]{2,32}$")] | None = Field(
        None, description="Of a seat, or outside as `sip.transfer_prefixes` allows."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if sum(who is not None for who in (self.queue, self.agent, self.seat, self.number)) != 1:
            raise ValueError("name one of queue, agent, seat and number")
        return self


class PickUp(Once):
    """Who takes a waiting caller."""

    agent: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        None, description="null: the supervisor himself", examples=["1004"]
    )


class Accepted(Model):
    """The command was carried out."""

    done: Literal[True] = True


class Softphone(Model):
    """Which seat the browser will be the phone of."""

    seat: str = Field(min_length=1, max_length=64, examples=["seat-04"])


class SoftphoneAccount(Model):
    """What the browser registers with as the phone of its agent's seat. The password ends soon; ask again then."""

    uri: str = Field(examples=["sip:8004@127.0.0.1"], description="Address of record.")
    user: str = Field(examples=["8004~1793400000"], description="User name of digest.")
    password: str
    server: str = Field(examples=["ws://127.0.0.1:5066/"], description="SIP over WebSocket (RFC 7118).")
    ends_at: AwareDatetime = Field(examples=[WHEN])


# --- messages of the event socket ---------------------------------------------------------------------------


class Resume(Model):
    """Where the client's view ends."""

    epoch: str = Field(max_length=64)
    seq: Annotated[int, Field(ge=0, le=2**53)]


class Authenticate(Model):
    """First message of a client, and again with a fresh token before the old one ends."""

    type: Literal["authenticate"]
    token: str = Field(min_length=1, max_length=4096)
    resume: Resume | None = None


class RowChange(Model):
    """One row of the live view is new, different, or (``row`` null) gone."""

    collection: Literal["agents", "queues", "calls", "seats", "alarms"]
    id: str
    row: Agent | Queue | Call | Seat | LiveAlarm | None


class SnapshotMessage(Model):
    """Forget what you have: this is the whole view after event ``seq``."""

    type: Literal["snapshot"] = "snapshot"
    epoch: str
    seq: int
    at: AwareDatetime = Field(description="The server's time when it was made.")
    live: Live


class EventMessage(Model):
    """One fact and the rows it changed. ``seq`` grows; facts that are not for this client leave gaps."""

    type: Literal["event"] = "event"
    seq: int
    at: AwareDatetime
    event: dict[str, object] = Field(
        description="`type` (CSTA names for call events) and the fact's fields.",
        examples=[{"type": "Held", "contact": "019b8d6e-7a10-7c3e-8a55-0d6f6f1c2b39", "by": "1004"}],
    )
    changes: list[RowChange]


class HeartbeatMessage(Model):
    """The connection is alive, and everything up to ``seq`` has been sent."""

    type: Literal["heartbeat"] = "heartbeat"
    epoch: str
    seq: int
    at: AwareDatetime = Field(description="The server's time, to count ages from.")
    live: bool = Field(description="False: the server has lost the real-time side; the view stands still.")


ServerMessage = Annotated[SnapshotMessage | EventMessage | HeartbeatMessage, Field(discriminator="type")]


class EventProtocol(Model):
    """The messages of the WebSocket at this path, both ways."""

    client: Authenticate
    server: ServerMessage
