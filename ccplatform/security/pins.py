"""PINs for signing in at a telephone."""

from __future__ import annotations

import asyncio

from ccplatform.contracts.words import AgentId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Unavailable
from ccplatform.security.passwords import Passwords
from ccplatform.security.settings import ThrottleSettings
from ccplatform.security.store import UserStore
from ccplatform.security.throttle import Throttle


class PinCheck:
    """Checks the PIN that an agent keyed in; guesses are slowed down per agent."""

    def __init__(
        self, *, users: UserStore, passwords: Passwords, clock: Clock, throttle: ThrottleSettings | None = None
    ) -> None:
        limits = throttle or ThrottleSettings()
        self._users = users
        self._passwords = passwords
        self._clock = clock
        self._throttle = Throttle(
            free=limits.attempts_per_user,
            first_wait=limits.first_wait_seconds,
            longest_wait=limits.longest_wait_seconds,
            remembered=limits.remembered,
        )

    async def pin_matches(self, agent: AgentId, pin: str) -> bool:
        """Whether the PIN is right; always False while the agent has to wait. Raises DatabaseUnavailable."""
        if self._throttle.wait(agent, self._clock.now()) > 0:
            return False
        self._throttle.failed(agent, self._clock.now())
        try:
            user = await self._users.find_agent(agent)
        except Unavailable:  # nothing was guessed
            self._throttle.forgive(agent)
            raise
        usable = user is not None and user.pin_hash is not None and not user.locked
        hashed = None if user is None else user.pin_hash
        right = await asyncio.to_thread(self._passwords.verify, hashed, pin)
        if usable and right:
            self._throttle.succeeded(agent)
            return True
        return False
