"""What agents and supervisors ask for: checked, committed to the database, then done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec

from acd.engine import AcdEngine, Presence
from acd.errors import IllegalState, UnknownSeat
from acd.events import AcdEvent, GoNotReady, GoReady, SeatReachability, SignIn, SignOut, Wish
from acd.presence import PresenceRows
from ccplatform.contracts.commands import Answer, Done, Refused, SetAgentState
from ccplatform.contracts.ports import Seats
from ccplatform.contracts.words import AgentId, AgentState, SeatId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Refusal, Unavailable


class AgentWishes:
    """The AgentDesk of feature codes, and the command of REST. ``post`` gives the engine an event; ``pin_check``
    is the throttled check of agents' PINs."""

    def __init__(
        self,
        *,
        engine: AcdEngine,
        rows: PresenceRows,
        seats: Seats,
        clock: Clock,
        post: Callable[[AcdEvent], None],
        pin_check: Callable[[AgentId, str], Awaitable[bool]],
    ) -> None:
        self._engine = engine
        self._rows = rows
        self._seats = seats
        self._clock = clock
        self._post = post
        self._pin_check = pin_check

    async def sign_in(self, agent: AgentId, seat: SeatId, by: str) -> None:
        """Sign the agent in at the seat, not ready."""
        if not self._seats.known(seat):
            raise UnknownSeat(seat)
        await self._carry_out(SignIn(agent=agent, seat=seat), by)

    async def sign_out(self, agent: AgentId, by: str) -> None:
        """Sign the agent out; during a call, after its wrap-up."""
        await self._carry_out(SignOut(agent=agent), by)

    async def set_ready(self, agent: AgentId, ready: bool, by: str, reason: str = "") -> None:
        """Ready or not ready; during a call, after its wrap-up."""
        await self._carry_out(GoReady(agent=agent) if ready else GoNotReady(agent=agent, reason=reason), by)

    def agent_at(self, seat: SeatId) -> AgentId | None:
        """Who is signed in at a seat."""
        return self._engine.agent_at(seat)

    async def pin_matches(self, agent: AgentId, pin: str) -> bool:
        """Whether the PIN is the agent's."""
        return await self._pin_check(agent, pin)

    async def set_agent_state(self, command: SetAgentState) -> Answer:
        """Carry out a :class:`SetAgentState`; the answer holds the agent's row."""
        try:
            await self._set_agent_state(command)
            view = self._engine.describe_agent(command.agent, self._clock.now())
        except Refusal as error:
            return Refused(code=error.code, message=str(error))
        except Unavailable as error:
            return Refused(code="unavailable", message=f"The change was not made: {error}")
        now = self._clock.wall()
        since = now - timedelta(seconds=view.since_age)
        until = None if view.left is None else (now + timedelta(seconds=view.left)).isoformat()
        return Done(result={**msgspec.to_builtins(view), "since": since.isoformat(), "until": until})

    async def _set_agent_state(self, command: SetAgentState) -> None:
        agent, state = command.agent, command.state
        if state not in (AgentState.READY, AgentState.NOT_READY, AgentState.SIGNED_OUT):
            raise IllegalState(f"agent {agent} cannot be set to {state}; ask for ready, not_ready or signed_out")
        if state is AgentState.SIGNED_OUT:
            await self.sign_out(agent, command.by)
            return
        if command.seat is not None and command.seat != self._engine.seat_of(agent):
            await self.sign_in(agent, command.seat, command.by)
            if state is AgentState.NOT_READY and not command.reason:
                return
        await self.set_ready(agent, state is AgentState.READY, command.by, command.reason)

    async def _carry_out(self, command: Wish, by: str) -> None:
        """Check, commit, check again, apply: nothing is acknowledged that a restart would forget."""
        self._engine.check(command)  # before a lock is made: the agent exists
        agent = command.agent
        async with self._rows.lock(agent):
            self._engine.check(command)
            try:
                await self._rows.commit(agent, self._row_after(command), by=by)
                self._engine.check(command)
            except (Refusal, Unavailable):
                self._rows.behind.changed(agent)  # the row may say by now what is not so: write what is
                raise
            if isinstance(command, SignIn):
                self._post(SeatReachability(seat=command.seat, reachable=self._seats.reachable(command.seat)))
            self._post(command)

    def _row_after(self, command: Wish) -> Presence | None:
        agent = command.agent
        match command:
            case SignOut():
                return None
            case SignIn(seat=seat):
                return Presence(agent=agent, seat=seat, asked=AgentState.NOT_READY, reason="")
            case GoReady():
                asked, reason = AgentState.READY, ""
            case GoNotReady(reason=reason):
                asked = AgentState.NOT_READY
        at = self._engine.seat_of(agent)
        return None if at is None else Presence(agent=agent, seat=at, asked=asked, reason=reason)
