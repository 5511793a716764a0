"""One step of a call: its state, the instant, and the effects so far, with the verbs that every part uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ccplatform.calls.model import CallEffect, CallState, Music, RungAgent, SeatCalled, Stage
from ccplatform.calls.parties import consultation_ends, member_ends
from ccplatform.calls.talk import end_talk
from ccplatform.contracts.flows import EndFlow, FlowRequest
from ccplatform.contracts.legs import DialLeg, DialTarget, ReleaseLeg, SeatTarget
from ccplatform.contracts.media import Play, PlayItem, StopRecording, Unbridge
from ccplatform.contracts.routing import EngageAgent, TalkReleased, WithdrawContact
from ccplatform.contracts.words import AgentId, LegId, LegRole, PlaybackId, ReleaseCause, SeatId

#: How long a party may ring that we dial, seconds.
DIAL_SECONDS = 60.0
#: How long an ended call waits for its legs and its flow to say goodbye, seconds (above SIP's 32 s timer).
ENDING_SECONDS = 40.0
_TALKING = (Stage.TALKING, Stage.HELD, Stage.CONSULTING, Stage.TRANSFERRING, Stage.BRIDGED)
#: Stages in which the other party is on the line: it hears how the call ended.
_SPEAKING = (*_TALKING, Stage.WHISPERING, Stage.CALLING)


@dataclass(slots=True)
class Step:
    """Handling one event. ``on_answer`` keeps what must wait until the caller's leg is up."""

    state: CallState
    now: float
    music: Music
    new_id: Callable[[], str]
    on_answer: list[FlowRequest]
    max_parties: int
    effects: list[CallEffect] = field(default_factory=list)

    def emit(self, *effects: CallEffect) -> None:
        """Add effects, in order."""
        self.effects.extend(effects)

    def play(
        self, playback: PlaybackId, items: tuple[PlayItem, ...], *, loop: bool, leg: LegId | None = None
    ) -> None:
        """Play to a leg, the caller's if no other is named; a completed input of his that waits for its answer is
        answered by this sound."""
        heard_by, key = leg or self.state.caller_leg, self.state.pending_key
        if key is not None and key.playback is None and heard_by == self.state.caller_leg:
            key.playback = playback
        self.emit(Play(leg=heard_by, playback=playback, items=items, loop=loop))

    def play_music(self, leg: LegId | None = None) -> None:
        """Music on hold, for as long as it takes."""
        self.play(PlaybackId(self.new_id()), self.music(self.state.queue), loop=True, leg=leg)

    def release_all(self, cause: ReleaseCause, *, abandoned: bool = False) -> None:
        """Let go of everything: whoever waits, rings or talks. Safe to call again.

        ``abandoned``: somebody else than the flow ends the call, so a running flow was left early.
        """
        state = self.state
        stage, ringing = state.stage, set(state.rung)
        if state.second is not None and state.second.leg is not None and state.second.answered_at is None:
            ringing.add(state.second.leg)
        if stage is not Stage.ENDING:
            self.leave(stage)
            self.release_party()
            self.release_seat()
            self.move(Stage.ENDING, deadline=self.now + ENDING_SECONDS)
            self.end_flow(abandoned=abandoned and stage is Stage.FLOW)
        for leg, role in state.live_legs.items():
            own = role is LegRole.CALLER or (stage in _SPEAKING and leg not in ringing)
            leg_cause = cause if own and cause is not ReleaseCause.CANCELLED else ReleaseCause.CANCELLED
            self.emit(ReleaseLeg(leg=leg, cause=leg_cause))

    def leave(self, stage: Stage) -> None:
        """Undo what the stage that ends holds: a place in a queue, a talk."""
        state = self.state
        state.rung.clear()  # their legs go with all others
        if stage in (Stage.QUEUED, Stage.RINGING):
            self.end_wait()
            reason = "abandoned" if state.answered else "not_reached"
            if state.joined is not None:
                reason = "transferred"
            self.emit(WithdrawContact(contact=state.contact, reason=reason))
        elif stage is Stage.WHISPERING and state.agent is not None:
            self.end_wait()
            self.emit(TalkReleased(contact=state.contact, agent=state.agent, talked=False))
        elif stage is Stage.CALLING_BACK and state.customer_first:
            self.emit(WithdrawContact(contact=state.contact, reason="not_reached"))
        elif stage is Stage.CALLING_BACK and state.agent is not None:  # he is on the line already
            self.emit(TalkReleased(contact=state.contact, agent=state.agent))
        elif stage in (Stage.INITIATED, Stage.CALLING) and state.agent is not None:
            self.emit(TalkReleased(contact=state.contact, agent=state.agent, talked=False))
        elif stage in _TALKING:
            self.part_talk()
            self.end_consultation(stays=False)
            members, state.members = state.members, {}
            for member in members.values():
                self.emit(*member_ends(state, member, self.now))
        elif state.message is not None:
            self.emit(StopRecording(recording=state.message))

    def release_party(self) -> None:
        """An agent who called the centre, or was called by his number, is free again."""
        state = self.state
        if state.party_agent is not None:
            self.emit(TalkReleased(contact=state.contact, agent=state.party_agent, talked=state.talked))
            state.party_agent = None

    def engage_seat(self, leg: LegId, seat: SeatId, agent: AgentId | None) -> None:
        """``leg`` is called past the queues at the phone of ``seat``: the line of who sits there is taken."""
        if agent is not None and agent != self.state.party_agent:
            self.state.seat_called = SeatCalled(leg=leg, agent=agent, seat=seat)
            self.emit(EngageAgent(contact=self.state.contact, agent=agent))

    def release_seat(self, leg: LegId | None = None) -> None:
        """Who sits at the phone that was called, by that ``leg`` or by any, is free again."""
        called, stage = self.state.seat_called, self.state.stage
        if called is not None and leg in (None, called.leg):
            self.state.seat_called = None
            talked = stage is not Stage.DIALLING
            self.emit(TalkReleased(contact=self.state.contact, agent=called.agent, talked=talked))

    def end_wait(self) -> None:
        """The caller waits no longer, in whatever queue."""
        if self.state.queued_at is not None:
            self.state.queue_seconds += self.now - self.state.queued_at

    def end_consultation(self, *, stays: bool) -> None:
        """Who was called about the caller is so no longer; ``stays``: he goes on in the call."""
        second, self.state.second = self.state.second, None
        if second is not None and second.recording is not None:
            self.emit(StopRecording(recording=second.recording))
        if second is not None:
            self.emit(*consultation_ends(self.state, second, self.now, stays=stays))

    def part_talk(self, *, stays: bool = False) -> None:
        """The talk that goes on is over: its recording, its bridge, its sums; ``stays``: its agent goes on in
        another call."""
        state = self.state
        if state.recording is not None:
            self.emit(StopRecording(recording=state.recording))
            state.recording = None
        if state.other_leg is not None:
            self.emit(Unbridge(leg=state.other_leg))
        self.emit(*end_talk(state, self.now, stays=stays))

    def end_flow(self, *, abandoned: bool) -> None:
        """End the flow, if there is one."""
        if self.state.flow is not None:
            self.emit(EndFlow(contact=self.state.contact, abandoned=abandoned))

    def new_leg(self, role: LegRole) -> LegId:
        """A leg to be dialled; it becomes the current other party."""
        leg = LegId(self.new_id())
        self.state.other_leg = leg
        self.state.live_legs[leg] = role
        return leg

    def call_caller(self, stage: Stage, target: DialTarget, *, early_media: bool = False) -> None:
        """Call who is the caller of a call that the centre began."""
        state = self.state
        state.live_legs[state.caller_leg] = LegRole.CALLER
        self.move(stage, deadline=self.now + state.ring_seconds)
        self.emit(
            DialLeg(
                leg=state.caller_leg,
                call=state.call,
                contact=state.contact,
                role=LegRole.CALLER,
                target=target,
                caller=state.dialled,
                caller_name=state.shown_name,
                early_media=early_media,
            )
        )

    def ring(self, rung: RungAgent) -> None:
        """Ring the phones of an agent who was offered, or the one that was named, besides others that ring."""
        state = self.state
        leg = LegId(self.new_id())
        state.live_legs[leg] = LegRole.AGENT
        state.rung[leg] = rung
        if state.second is None:
            self.move(Stage.RINGING)
        self.emit(
            DialLeg(
                leg=leg,
                call=state.call,
                contact=state.contact,
                role=LegRole.AGENT,
                target=SeatTarget(seat=rung.seat, phone=state.second.phone if state.second is not None else ""),
                caller=state.caller,
                caller_name=state.caller_name,
            )
        )

    def move(self, stage: Stage, *, deadline: float | None = None) -> None:
        """Enter a stage; its deadline, if any, is an instant."""
        self.state.stage = stage
        self.state.deadline_at = deadline
