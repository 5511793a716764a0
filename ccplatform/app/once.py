"""Orders that people send again are carried out once: who sent it and his key say that it is the same one.

A page whose answer was lost on the way sends its order again; it gets the answer that the first one had. An order
that was refused or failed is tried anew: nothing of it was done. What a call itself remembers of its orders (its
snapshot) still counts after a restart of control, when nothing is known here.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final

from ccplatform.contracts.commands import Answer, Command, Done, Refused
from ccplatform.kernel.clock import Clock

#: How long an order is remembered, seconds: longer than any page tries again.
REMEMBER_SECONDS: Final = 300.0
#: Orders of one person that are remembered at most; his oldest one is forgotten for a new one.
MAX_ORDERS_OF_ONE: Final = 100


@dataclass(slots=True, kw_only=True)
class _Order:
    command: Command
    at: float
    under_way: asyncio.Lock = field(default_factory=asyncio.Lock)
    answer: Done | None = None


class Once:
    """Carries out commands by ``execute``, those with a ``key`` once each."""

    def __init__(self, *, clock: Clock, execute: Callable[[Command], Awaitable[Answer]]) -> None:
        self._clock = clock
        self._execute = execute
        #: By person, who ordered last at the end.
        self._people: OrderedDict[str, OrderedDict[str, _Order]] = OrderedDict()

    async def execute(self, command: Command) -> Answer:
        """The answer of now or, ``repeated``, of the first time. Another order by the same key: ``key_taken``."""
        key: str = getattr(command, "key", "")
        if not key:
            return await self._execute(command)
        order = self._order(str(getattr(command, "by", "")), key, command)
        if order.command != command:
            return Refused(code="key_taken", message=f"key {key!r} was that of another order", where="key")
        async with order.under_way:
            if order.answer is not None:
                return replace(order.answer, repeated=True)
            answer = await self._execute(command)
            if isinstance(answer, Done):
                order.answer = answer
            return answer

    def _order(self, by: str, key: str, command: Command) -> _Order:
        now = self._clock.now()
        orders = self._people.setdefault(by, OrderedDict())
        self._people.move_to_end(by)
        self._forget(now - REMEMBER_SECONDS, orders)
        order = orders.get(key)
        refused = order is not None and order.answer is None and not order.under_way.locked()
        if order is None or (refused and order.command != command):
            order = orders[key] = _Order(command=command, at=now)
            orders.move_to_end(key)
            if len(orders) > MAX_ORDERS_OF_ONE:
                orders.popitem(last=False)
        return order

    def _forget(self, before: float, orders: OrderedDict[str, _Order]) -> None:
        """What is too old of this person's ``orders``, and people who ordered nothing since."""
        while orders and next(iter(orders.values())).at < before:
            orders.popitem(last=False)
        while (first := next(iter(self._people.values()))) and next(reversed(first.values())).at < before:
            self._people.popitem(last=False)
