"""Which trunks a number goes out by: routes by prefix, the longest wins, each a list of trunks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from ccplatform.contracts.words import TrunkId
from gateway.errors import BadTrunk
from gateway.sip.selection import in_order

MAX_ROUTES: Final = 1000
MAX_CHOICES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkChoice:
    """A trunk of a route: lower ``priority`` first, of the same one in proportion to ``weight``."""

    trunk: TrunkId
    priority: int = 0
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundRoute:
    """Numbers that begin with ``prefix`` (empty: all that no other route is for). ``exact`` ones are the prefix
    itself and nothing more; ``emergency`` calls are never refused for want of anything but a line."""

    prefix: str
    choices: tuple[TrunkChoice, ...]
    exact: bool = False
    emergency: bool = False

    def check(self) -> None:
        """Raise :class:`BadTrunk` when the route makes no sense."""
        if not set(self.prefix) <= set("+0123456789*#") or len(self.prefix) > 32:
            raise BadTrunk(f"route {self.prefix[:32]!r}: the prefix has other than digits, + * #")
        if not 0 < len(self.choices) <= MAX_CHOICES:
            raise BadTrunk(f"route {self.prefix!r}: 1 to {MAX_CHOICES} trunks must be given")
        if not all(0 <= choice.priority < 1000 and 0 <= choice.weight < 65536 for choice in self.choices):
            raise BadTrunk(f"route {self.prefix!r}: priority (below 1000) or weight (below 65536) out of range")
        if (self.exact or self.emergency) and not self.prefix:
            raise BadTrunk("an exact or emergency route needs a number")


class OutboundRoutes:
    """Every route; ``random`` gives numbers from 0 up to 1."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._exact: dict[str, OutboundRoute] = {}
        self._prefixes: dict[str, OutboundRoute] = {}

    def replace(self, routes: Iterable[OutboundRoute]) -> None:
        """Take another set of routes."""
        known = list(routes)
        self._exact = {route.prefix: route for route in known if route.exact}
        self._prefixes = {route.prefix: route for route in known if not route.exact}

    def route(self, number: str) -> OutboundRoute | None:
        """The route of a number: its own, else that of its longest prefix."""
        exact = self._exact.get(number)
        if exact is not None:
            return exact
        prefixes = (number[:length] for length in range(min(len(number), 32), -1, -1))
        return next((self._prefixes[prefix] for prefix in prefixes if prefix in self._prefixes), None)

    def trunks(self, number: str) -> list[TrunkId]:
        """The trunks to try, in order; none when no route is for the number."""
        route = self.route(number)
        return [] if route is None else [choice.trunk for choice in in_order(route.choices, self._random)]

    def is_emergency(self, number: str) -> bool:
        """Whether it is the number of an emergency service."""
        route = self.route(number)
        return route is not None and route.emergency
